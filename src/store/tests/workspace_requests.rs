//! Requests to connect a workspace on every kind of store.

use super::super::statements::{Write, Wrote};
use super::super::workspace_requests::REQUESTS_KEPT;
use super::*;
use crate::clock::SystemClock;

/// How long the requests last.
const LASTS: Duration = Duration::from_hours(1);

pub(super) fn request(id: &str) -> NewWorkspaceRequest {
    let (id, body) = (id.to_owned(), id.into());
    NewWorkspaceRequest { id, platform: "slack".to_owned(), key: None, body, lasts: LASTS }
}

fn keyed(id: &str, key: u8) -> NewWorkspaceRequest {
    NewWorkspaceRequest { key: Some([key; 32]), ..request(id) }
}

fn of_teams(request: NewWorkspaceRequest) -> NewWorkspaceRequest {
    NewWorkspaceRequest { platform: "teams".to_owned(), ..request }
}

fn ids(requests: &[StoredWorkspaceRequest]) -> Vec<&str> {
    requests.iter().map(|request| request.id.as_str()).collect()
}

impl Bench {
    /// Puts a request in. Gives the id of the one that was there already.
    async fn put(&self, request: NewWorkspaceRequest) -> Option<String> {
        self.store.put_workspace_request(request).await.unwrap().map(|there| there.id)
    }

    async fn found(&self, id: &str) -> Option<StoredWorkspaceRequest> {
        self.store.workspace_request(id).await.unwrap()
    }

    async fn change(&self, id: &str, version: i64, body: &str, lasts: Option<Duration>) -> Held {
        self.store.change_workspace_request(id, version, body.into(), lasts).await.unwrap()
    }
}

on_stores! { [memory, sqlite, postgres] {
    async fn a_request_is_found_with_its_age_and_what_is_left_of_it(bench) {
        assert_eq!(bench.put(request("R1")).await, None);
        bench.clock.advance(SECOND);
        let found = bench.found("R1").await.unwrap();
        assert_eq!((&*found.platform, found.body.expose_secret(), found.version), ("slack", "R1", 0));
        assert_eq!((found.age, found.left), (SECOND, Some(LASTS.saturating_sub(SECOND))));
        bench.clock.advance(LASTS);
        assert_eq!(bench.found("R1").await.unwrap().left, Some(Duration::ZERO));
        assert!(bench.found("R2").await.is_none());
    }

    async fn of_requests_with_one_key_a_platform_has_one_the_first(bench) {
        assert_eq!(bench.put(keyed("R1", 1)).await, None);
        bench.clock.advance(SECOND);
        let there = bench.store.put_workspace_request(keyed("R2", 1)).await.unwrap().unwrap();
        assert_eq!((&*there.id, there.body.expose_secret(), there.age), ("R1", "R1", SECOND));
        assert!(bench.found("R2").await.is_none());
        for other in [keyed("R3", 2), of_teams(keyed("R4", 1)), request("R5"), request("R6")] {
            assert_eq!(bench.put(other).await, None);
        }
        // Its end does not free the key.
        assert_eq!(bench.change("R1", 0, "over", None).await, Held::Still);
        assert_eq!(bench.put(keyed("R7", 1)).await.as_deref(), Some("R1"));
        let by_key = async |platform, key| {
            let found = bench.store.workspace_request_by_key(platform, [key; 32]).await.unwrap();
            found.map(|found| found.id)
        };
        assert_eq!(by_key("slack", 1).await.as_deref(), Some("R1"));
        assert_eq!(by_key("teams", 1).await.as_deref(), Some("R4"));
        assert_eq!(by_key("slack", 9).await, None);
    }

    async fn a_request_that_is_put_in_twice_is_there_once(bench) {
        assert_eq!(bench.put(request("R1")).await, None);
        let again = NewWorkspaceRequest { body: "other".into(), ..request("R1") };
        assert_eq!(bench.put(again).await.as_deref(), Some("R1"));
        assert_eq!(bench.found("R1").await.unwrap().body.expose_secret(), "R1");
    }

    async fn a_request_is_changed_by_whoever_knows_how_it_is(bench) {
        for id in ["R1", "R2"] {
            bench.put(request(id)).await;
        }
        bench.clock.advance(LASTS);
        assert_eq!(bench.change("R1", 0, "pressed", Some(LASTS)).await, Held::Still);
        assert_eq!(bench.change("R1", 0, "late", None).await, Held::NoLonger);
        assert_eq!(bench.change("R3", 0, "nobody's", None).await, Held::NoLonger);
        let found = bench.found("R1").await.unwrap();
        assert_eq!((found.body.expose_secret(), found.version), ("pressed", 1));
        assert_eq!((found.age, found.left), (LASTS, Some(LASTS)));
        assert_eq!(bench.found("R2").await.unwrap().body.expose_secret(), "R2");
    }

    async fn of_two_who_change_a_request_at_once_one_does(bench) {
        bench.put(request("R1")).await;
        let changes = (0..8).map(|_| bench.change("R1", 0, "changed", Some(LASTS)));
        let held = futures_util::future::join_all(changes).await;
        assert_eq!(held.iter().filter(|held| **held == Held::Still).count(), 1);
        assert_eq!(bench.found("R1").await.unwrap().version, 1);
    }

    async fn a_request_that_has_ended_is_found_and_is_not_open(bench) {
        for id in ["R1", "R2", "R3"] {
            bench.put(request(id)).await;
            bench.clock.advance(SECOND);
        }
        bench.put(of_teams(request("R4"))).await;
        assert_eq!(bench.change("R2", 0, "over", None).await, Held::Still);
        let ended = bench.found("R2").await.unwrap();
        assert_eq!((ended.body.expose_secret(), ended.left), ("over", None));
        let open = async || bench.store.open_workspace_requests("slack").await.unwrap();
        assert_eq!(ids(&open().await), ["R1", "R3"]);
        // One whose time is over has not ended before somebody ends it.
        bench.clock.advance(LASTS);
        assert_eq!(ids(&open().await), ["R1", "R3"]);
        let newest = async |most| bench.store.newest_workspace_requests("slack", most).await.unwrap();
        assert_eq!(ids(&newest(2).await), ["R3", "R2"]);
        assert_eq!(ids(&newest(10).await), ["R3", "R2", "R1"]);
        assert_eq!(ids(&bench.store.open_workspace_requests("teams").await.unwrap()), ["R4"]);
    }

    async fn a_wall_clock_that_is_set_ends_no_request(bench) {
        bench.put(request("R1")).await;
        for wall in [START - 400 * 86_400, START + 400 * 86_400] {
            bench.clock.set(Timestamp::from_second(wall).unwrap());
            let found = bench.found("R1").await.unwrap();
            assert_eq!((found.age, found.left), (Duration::ZERO, Some(LASTS)), "{wall}");
        }
    }
}}

mod on_disk {
    use super::*;

    on_stores! { [sqlite, postgres] {
        async fn requests_outlive_the_process_and_go_after_thirty_days(bench) {
            bench.put(keyed("R1", 1)).await;
            bench.change("R1", 0, "over", None).await;
            bench.reopen().await;
            assert_eq!(bench.found("R1").await.unwrap().body.expose_secret(), "over");
            bench.clock.advance(Duration::from_millis(REQUESTS_KEPT.cast_unsigned()));
            assert_eq!(prune(&bench).await, 0);
            bench.clock.advance(SECOND);
            assert_eq!(prune(&bench).await, 1);
            assert!(bench.found("R1").await.is_none());
            assert_eq!(bench.put(keyed("R2", 1)).await, None, "its key is free");
        }

        async fn rows_that_are_swapped_or_renamed_do_not_open(bench) {
            for id in ["R1", "R2", "R3"] {
                bench.put(NewWorkspaceRequest { key: Some([id.as_bytes()[1]; 32]), ..request(id) }).await;
                bench.clock.advance(SECOND);
            }
            database::execute(&bench, "
                UPDATE workspace_requests SET body =
                    (SELECT body FROM workspace_requests AS other WHERE other.id = 'R2')
                WHERE id = 'R1'").await;
            database::execute(&bench, "UPDATE workspace_requests SET id = 'R4' WHERE id = 'R3'").await;
            for (id, opens) in [("R1", false), ("R2", true), ("R4", false)] {
                assert_eq!(bench.found(id).await.is_some(), opens, "{id}");
            }
            assert_eq!(ids(&bench.store.open_workspace_requests("slack").await.unwrap()), ["R2"]);
            // Nobody is told that theirs is in while another one has its key.
            let again = NewWorkspaceRequest { key: Some([b'1'; 32]), ..request("R5") };
            let put = bench.store.put_workspace_request(again).await;
            assert_eq!(put.unwrap_err(), StoreError::Unavailable(StoreTrouble::Failing));
        }

        async fn what_a_request_says_is_not_stored_in_clear(bench) {
            let body = "canary-body".into();
            bench.put(NewWorkspaceRequest { body, ..request("R1") }).await;
            bench.change("R1", 0, "canary-changed", Some(LASTS)).await;
            for row in database::rows(&bench, "SELECT body FROM workspace_requests").await {
                assert!(!String::from_utf8_lossy(&row.bytes(0).unwrap()).contains("canary"));
            }
        }

        async fn requests_are_copied_with_their_keys_and_versions(bench) {
            bench.put(keyed("R1", 1)).await;
            bench.put(request("R2")).await;
            bench.change("R1", 0, "changed", Some(LASTS)).await;
            bench.change("R2", 0, "over", None).await;
            bench.store.close().await;
            let from = bench.settings.clone();
            bench.kill();
            let directory = tempfile::tempdir().unwrap();
            bench.settings = Settings {
                location: Location::Sqlite(directory.path().join("copy.db")),
                keys: keys(&["canary-store-key-of-tomorrow", "canary-store-key-of-today"]),
            };
            let copied = copy(&from.location, &bench.settings, &(Arc::new(SystemClock) as _)).await;
            let rows = copied.unwrap().rows;
            assert!(rows.contains(&("workspace_requests", 2)), "{rows:?}");
            bench.store = bench.open_free().await.unwrap();
            let found = bench.found("R1").await.unwrap();
            assert_eq!((found.body.expose_secret(), found.version), ("changed", 1));
            assert_eq!((found.age, found.left), (Duration::ZERO, Some(LASTS)));
            assert_eq!(bench.put(keyed("R3", 1)).await.as_deref(), Some("R1"));
            assert_eq!(bench.found("R2").await.unwrap().left, None);
        }

        async fn requests_are_put_in_and_found_beside_a_service_at_its_time(bench) {
            // The store's time is not the one of the command, whose clock is a real one.
            bench.database().beat().await.unwrap();
            let put = async |request| {
                put_workspace_request_beside(&bench.settings, request).await.unwrap().map(|it| it.id)
            };
            assert_eq!(put(keyed("R1", 1)).await, None);
            assert_eq!(put(keyed("R2", 1)).await.as_deref(), Some("R1"));
            let found = bench.found("R1").await.unwrap();
            assert_eq!((found.body.expose_secret(), found.age), ("R1", Duration::ZERO));
            assert_eq!(found.left, Some(LASTS));

            bench.change("R1", 0, "connected", None).await;
            bench.clock.advance(SECOND);
            bench.database().beat().await.unwrap();
            let found = workspace_request_beside(&bench.settings, "R1").await.unwrap().unwrap();
            assert_eq!((found.body.expose_secret(), found.version), ("connected", 1));
            assert_eq!((found.age, found.left), (SECOND, None));
            assert!(workspace_request_beside(&bench.settings, "R2").await.unwrap().is_none());
        }

        async fn a_request_is_not_put_in_with_a_key_that_the_service_has_not(bench) {
            bench.put(request("R1")).await;
            let lacking = Settings { keys: keys(&["canary-another-key"]), ..bench.settings.clone() };
            let put = put_workspace_request_beside(&lacking, request("R2")).await;
            let found = workspace_request_beside(&lacking, "R1").await;
            for error in [put.unwrap_err(), found.unwrap_err()] {
                assert!(format!("{error:#}").contains("put the key into store.keys"), "{error:#}");
            }
            assert!(bench.found("R2").await.is_none());
        }

        async fn what_is_in_a_store_is_counted(bench) {
            for id in ["R1", "R2", "R3"] {
                bench.put(request(id)).await;
            }
            bench.change("R1", 0, "over", None).await;
            bench.store.put_page(pages::page("one", "U1", "M1")).await.unwrap();
            let counted = overview(&bench.settings).await.unwrap();
            assert_eq!((counted.pages, counted.workspaces), (1, (3, 2)));
        }
    }}

    async fn prune(bench: &Bench) -> u64 {
        match bench.database().write(Write::Prune).await.unwrap() {
            Wrote::Rows(rows) => rows,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_store_that_no_service_has_used_takes_no_request_and_has_none() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(directory.path().join("store.db"));
    let settings = Settings { location, keys: keys(&["canary-store-key-of-today"]) };
    let said = async || {
        let put = put_workspace_request_beside(&settings, request("R1")).await.unwrap_err();
        let found = workspace_request_beside(&settings, "R1").await.unwrap_err();
        assert_eq!(put.to_string(), found.to_string());
        put.to_string()
    };
    assert!(said().await.contains("start the service once"), "{}", said().await);
    std::fs::write(directory.path().join("store.db"), "").unwrap();
    assert!(said().await.contains("no service has used it yet"), "{}", said().await);
}
