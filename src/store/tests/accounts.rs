//! What is known of chat accounts: their links, and who holds them.

use super::super::{audit, held, links, statements};
use super::*;

fn owner(user: &str) -> Owner {
    Owner::of("slack", "T1", user)
}

pub(super) fn link(user: &str, subscriber: &str) -> KnownLink {
    KnownLink {
        owner: owner(user),
        platform: "slack".to_owned(),
        workspace: "T1".to_owned(),
        workspace_name: Some("Acme".to_owned()),
        person: format!("{{\"user\":\"{user}\"}}").into(),
        subscriber: subscriber.to_owned(),
        endpoint: format!("chendp_{user}"),
        connection: None,
        since: Some(Timestamp::from_second(START).unwrap()),
        verified: Verified::SignedIn,
        seen_at: Timestamp::from_second(START + 60).unwrap(),
        gone: false,
    }
}

fn said(link: &KnownLink) -> String {
    format!("{link:?} {}", link.person.expose_secret())
}

fn millis(of: i64) -> Duration {
    Duration::from_millis(of.cast_unsigned())
}

async fn prune(bench: &Bench) -> u64 {
    match bench.database().write(statements::Write::Prune).await.unwrap() {
        statements::Wrote::Rows(rows) => rows,
        other => panic!("{other:?}"),
    }
}

on_stores! { [memory, sqlite, postgres] {
    async fn a_link_is_known_with_all_that_is_known_of_it(bench) {
        let known = link("U1", "ada");
        bench.store.remember_link(known.clone()).await.unwrap();
        let found = bench.store.known_link(&owner("U1")).await.unwrap().unwrap();
        assert_eq!(said(&found), said(&known));
        assert!(bench.store.known_link(&owner("U2")).await.unwrap().is_none());
    }

    async fn a_chat_account_has_one_link_the_one_that_was_remembered_last(bench) {
        bench.store.remember_link(link("U1", "ada")).await.unwrap();
        bench.store.link_is_gone(&owner("U1")).await.unwrap();
        let anew = KnownLink { verified: Verified::Confirmed, since: None, ..link("U1", "grace") };
        bench.store.remember_link(anew.clone()).await.unwrap();
        let found = bench.store.known_link(&owner("U1")).await.unwrap().unwrap();
        assert_eq!(said(&found), said(&anew));
        assert!(bench.store.links_of("ada").await.unwrap().is_empty());
        assert_eq!(bench.store.links_of("grace").await.unwrap().len(), 1);
    }

    async fn all_links_of_a_subscriber_are_found_those_that_have_gone_too(bench) {
        let elsewhere = KnownLink {
            owner: Owner::of("teams", "tenant", "U9"),
            platform: "teams".to_owned(),
            ..link("U9", "ada")
        };
        for known in [elsewhere, link("U2", "grace"), link("U1", "ada")] {
            bench.store.remember_link(known).await.unwrap();
        }
        bench.store.link_is_gone(&owner("U1")).await.unwrap();
        bench.store.link_is_gone(&owner("U3")).await.unwrap();
        let found = bench.store.links_of("ada").await.unwrap();
        let found: Vec<_> = found.iter().map(|it| (&*it.platform, &*it.endpoint, it.gone)).collect();
        assert_eq!(found, [("slack", "chendp_U1", true), ("teams", "chendp_U9", false)]);
        bench.store.forget_link(&owner("U1")).await.unwrap();
        assert_eq!(bench.store.links_of("ada").await.unwrap().len(), 1);
        assert!(bench.store.known_link(&owner("U1")).await.unwrap().is_none());
    }

    async fn who_holds_an_account_is_known_until_it_is_forgotten(bench) {
        for (user, endpoint) in [("U1", "one"), ("U2", "two"), ("U1", "three")] {
            bench.store.remember_held(&owner(user), endpoint).await.unwrap();
            bench.clock.advance(SECOND);
        }
        assert_eq!(bench.store.held(&owner("U1")).await, Ok(Some("three".to_owned())));
        assert_eq!(bench.store.held(&owner("U3")).await, Ok(None));
        let mut all = bench.store.all_held(10).await.unwrap();
        all.sort();
        let mut expected = [(owner("U1"), "three".to_owned()), (owner("U2"), "two".to_owned())];
        expected.sort();
        assert_eq!(all, expected);
        assert_eq!(bench.store.all_held(1).await.unwrap().len(), 1);
        bench.store.forget_held(&owner("U1")).await.unwrap();
        assert_eq!(bench.store.held(&owner("U1")).await, Ok(None));
    }
}}

mod on_disk {
    use super::*;

    on_stores! { [sqlite, postgres] {
        async fn accounts_are_known_after_a_restart_and_not_in_clear(bench) {
            bench.store.remember_link(link("U1", "ada")).await.unwrap();
            bench.store.remember_held(&owner("U2"), "chendp_canary").await.unwrap();
            bench.reopen().await;
            let found = bench.store.known_link(&owner("U1")).await.unwrap().unwrap();
            assert_eq!(said(&found), said(&link("U1", "ada")));
            assert_eq!(bench.store.held(&owner("U2")).await, Ok(Some("chendp_canary".to_owned())));
            let mut reading = bench.database().pools.reading().await.unwrap();
            for (statement, places) in [
                ("SELECT owner, subscriber, body FROM links", [0, 1, 2]),
                ("SELECT owner, owner, endpoint FROM held", [0, 1, 2]),
            ] {
                for row in reading.session().rows(statement, &[]).await.unwrap() {
                    let [one, two, sealed] = places;
                    let texts = [row.text(one).unwrap(), row.text(two).unwrap()].concat();
                    let sealed = String::from_utf8_lossy(&row.bytes(sealed).unwrap()).into_owned();
                    for plain in ["ada", "U1", "U2", "chendp", "Acme"] {
                        assert!(!texts.contains(plain), "{plain}: {statement}");
                        // Two letters turn up in random bytes now and then.
                        assert!(plain.len() < 4 || !sealed.contains(plain), "{plain}: {statement}");
                    }
                }
            }
        }

        async fn what_is_known_of_accounts_has_its_end(bench) {
            bench.store.remember_link(link("U1", "ada")).await.unwrap();
            bench.store.remember_link(link("U2", "grace")).await.unwrap();
            bench.store.link_is_gone(&owner("U2")).await.unwrap();
            bench.store.remember_held(&owner("U3"), "held").await.unwrap();
            assert_eq!(prune(&bench).await, 0);
            bench.clock.advance(millis(held::HELD_KEPT) + SECOND);
            assert_eq!(prune(&bench).await, 2);
            assert!(bench.store.known_link(&owner("U2")).await.unwrap().is_none());
            assert_eq!(bench.store.held(&owner("U3")).await, Ok(None));
            bench.clock.advance(millis(links::LINKS_KEPT - held::HELD_KEPT));
            assert_eq!(prune(&bench).await, 1);
        }

        async fn what_is_known_of_a_person_is_forgotten(bench) {
            for user in ["U1", "U2"] {
                bench.store.remember_link(link(user, "ada")).await.unwrap();
                bench.store.remember_held(&owner(user), "held").await.unwrap();
                bench.store.pseudonym_secret(&owner(user)).await.unwrap();
                bench.store.put_page(pages::page(user, user, user)).await.unwrap();
            bench.store.write(vec![Change::PutMessage(message(user, user, "{}"), None)]).await.unwrap();
            }
            let forgotten = forget(&bench.settings.location, owner("U1")).await.unwrap();
            assert_eq!(forgotten, Forgotten { messages: 1, pages: 1, links: 1, held: 1, pseudonyms: 1 });
            let again = forget(&bench.settings.location, owner("U1")).await.unwrap();
            assert_eq!(again, Forgotten::default());
            assert!(bench.store.known_link(&owner("U1")).await.unwrap().is_none());
            assert!(bench.store.known_link(&owner("U2")).await.unwrap().is_some());
        }

        async fn a_chain_goes_as_a_whole_and_a_secret_after_its_last_use(bench) {
            let row = |chain: &str, number| AuditRow {
                chain: chain.to_owned(),
                number,
                line: "{}".to_owned(),
                hash: format!("{chain}{number}"),
            };
            bench.store.append_to_audit(row("a", 1)).await.unwrap();
            bench.store.append_to_audit(row("b", 1)).await.unwrap();
            let secret = bench.store.pseudonym_secret(&owner("U1")).await.unwrap().unwrap();
            bench.clock.advance(millis(audit::AUDIT_KEPT) / 2);
            bench.store.append_to_audit(row("b", 2)).await.unwrap();
            let again = bench.store.pseudonym_secret(&owner("U1")).await.unwrap().unwrap();
            assert_eq!(secret.expose_secret(), again.expose_secret());
            bench.clock.advance(millis(audit::AUDIT_KEPT) / 2 + SECOND);
            assert_eq!(prune(&bench).await, 1);
            // What is there already is not written again, and nothing else in its place.
            assert_eq!(bench.store.append_to_audit(row("b", 1)).await, Ok(Appended::Done));
            let other = AuditRow { hash: "other".to_owned(), ..row("b", 1) };
            assert_eq!(bench.store.append_to_audit(other).await, Ok(Appended::Taken));
            bench.clock.advance(millis(audit::AUDIT_KEPT) / 2);
            assert_eq!(prune(&bench).await, 3);
        }
    }}
}
