//! Personal pages on every kind of store.

use super::*;
use crate::store::pages::{NewPage, PageId, PageTimes};
use crate::store::statements::Write;

const DAY: Duration = Duration::from_hours(24);
const TIMES: PageTimes = PageTimes { lifetime: DAY, spent: Duration::from_mins(5) };

pub(super) fn page(address: &str, user: &str, message: &str) -> NewPage {
    NewPage {
        id: PageId::of(address),
        owner: Owner::of("slack", "T1", user),
        message: message.to_owned(),
        body: address.into(),
    }
}

on_stores! { [memory, sqlite, postgres] {
    async fn a_page_is_found_by_what_is_in_its_address(bench) {
        bench.store.put_page(page("one", "U1", "m1")).await.unwrap();
        bench.clock.advance(SECOND);
        let found = bench.store.page(&PageId::of("one")).await.unwrap().unwrap();
        assert_eq!(found.body.expose_secret(), "one");
        assert_eq!((found.age, found.pressed, found.ended), (SECOND, None, false));
        assert!(bench.store.page(&PageId::of("two")).await.unwrap().is_none());
    }

    async fn a_page_takes_the_place_of_the_one_that_the_same_message_led_to(bench) {
        bench.store.put_page(page("one", "U1", "m1")).await.unwrap();
        assert!(bench.store.press_page(&PageId::of("one"), TIMES).await.unwrap());
        for other in [page("two", "U2", "m1"), page("three", "U1", "m2")] {
            bench.store.put_page(other).await.unwrap();
        }
        bench.store.put_page(page("new", "U1", "m1")).await.unwrap();
        assert!(bench.store.page(&PageId::of("one")).await.unwrap().is_none());
        assert!(!bench.store.press_page(&PageId::of("one"), TIMES).await.unwrap());
        for address in ["two", "three", "new"] {
            assert!(bench.store.press_page(&PageId::of(address), TIMES).await.unwrap(), "{address}");
        }
    }

    async fn a_press_is_one_at_a_time_until_it_is_over_or_given_back(bench) {
        let id = PageId::of("one");
        bench.store.put_page(page("one", "U1", "m1")).await.unwrap();
        assert!(bench.store.press_page(&id, TIMES).await.unwrap());
        bench.clock.advance(TIMES.spent.saturating_sub(SECOND));
        assert!(!bench.store.press_page(&id, TIMES).await.unwrap());
        let found = bench.store.page(&id).await.unwrap().unwrap();
        assert_eq!(found.pressed, Some(TIMES.spent.saturating_sub(SECOND)));
        bench.clock.advance(SECOND);
        assert!(bench.store.press_page(&id, TIMES).await.unwrap());
        assert!(!bench.store.press_page(&id, TIMES).await.unwrap());
        bench.store.release_page(&id).await.unwrap();
        assert!(bench.store.press_page(&id, TIMES).await.unwrap());
    }

    async fn a_page_that_is_ended_or_old_cannot_be_pressed(bench) {
        let (ended, old) = (PageId::of("ended"), PageId::of("old"));
        bench.store.put_page(page("ended", "U1", "m1")).await.unwrap();
        bench.store.put_page(page("old", "U1", "m2")).await.unwrap();
        assert!(bench.store.end_page(&ended).await.unwrap());
        assert!(!bench.store.end_page(&ended).await.unwrap());
        assert!(!bench.store.press_page(&ended, TIMES).await.unwrap());
        assert!(bench.store.page(&ended).await.unwrap().unwrap().ended);
        bench.clock.advance(DAY.saturating_sub(SECOND));
        assert!(bench.store.press_page(&old, TIMES).await.unwrap());
        bench.clock.advance(TIMES.spent);
        assert!(!bench.store.press_page(&old, TIMES).await.unwrap());
        assert!(!bench.store.end_page(&PageId::of("nobody's")).await.unwrap());
    }

    async fn a_wall_clock_that_is_set_spends_no_page_and_ends_none(bench) {
        let id = PageId::of("one");
        bench.store.put_page(page("one", "U1", "m1")).await.unwrap();
        for wall in [START - 400 * 86_400, START + 400 * 86_400] {
            bench.clock.set(Timestamp::from_second(wall).unwrap());
            assert!(bench.store.press_page(&id, TIMES).await.unwrap(), "{wall}");
            bench.clock.advance(TIMES.spent);
        }
    }
} }

mod on_disk {
    use super::*;

    on_stores! { [sqlite, postgres] {
        async fn what_the_database_holds_of_a_page_opens_none(bench) {
            bench.store.put_page(page("canary-address", "U1", "m1")).await.unwrap();
            let rows = bench.database().read(|mut reading| async move {
                let rows = "SELECT id, owner, message, body FROM pages";
                let rows = reading.session().rows(rows, &[]).await?;
                rows.iter().map(|row| {
                    let texts = [row.text(0)?, row.text(1)?, row.text(2)?];
                    Ok((texts.concat(), row.bytes(3)?))
                }).collect::<Result<Vec<_>, sqlx::Error>>()
            });
            for (texts, body) in rows.await.unwrap() {
                assert!(!texts.contains("canary") && !texts.contains("U1"), "{texts}");
                assert!(!String::from_utf8_lossy(&body).contains("canary"));
            }
        }

        async fn pages_outlive_the_process_and_go_after_a_week_or_with_their_person(bench) {
            let id = PageId::of("one");
            bench.store.put_page(page("one", "U1", "m1")).await.unwrap();
            bench.store.put_page(page("two", "U2", "m1")).await.unwrap();
            assert!(bench.store.press_page(&id, TIMES).await.unwrap());
            bench.reopen().await;
            assert!(!bench.store.press_page(&id, TIMES).await.unwrap());
                forget(&bench.settings.location, Owner::of("slack", "T1", "U2")).await.unwrap();
            assert!(bench.store.page(&PageId::of("two")).await.unwrap().is_none());
            bench.clock.advance(DAY * 7);
            bench.database().write(Write::Prune).await.unwrap();
            assert!(bench.store.page(&id).await.unwrap().is_some());
            bench.clock.advance(SECOND);
            bench.database().write(Write::Prune).await.unwrap();
            assert!(bench.store.page(&id).await.unwrap().is_none());
        }
    } }
}
