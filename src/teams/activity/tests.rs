//! Tests of `activity.rs`.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn activity(changes: Value) -> Value {
    let mut fields = json!({
        "type": "message",
        "id": "1700000000001",
        "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "channelId": "msteams",
        "from": {"id": "29:ada", "aadObjectId": "oid-ada", "name": "Ada"},
        "conversation": {"id": "a:1", "conversationType": "personal", "tenantId": "tenant-1"},
        "recipient": {"id": "28:bot", "name": "Connect Bot"},
        "channelData": {"tenant": {"id": "tenant-1"}},
        "locale": "de-DE",
        "text": "connect",
    });
    merge(&mut fields, changes);
    fields
}

/// A JSON merge patch (RFC 7396).
fn merge(fields: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        *fields = changes;
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.as_object_mut().unwrap().remove(&name);
        } else {
            merge(&mut fields[name], change);
        }
    }
}

fn read(changes: Value) -> Result<Activity, Incomplete> {
    Activity::read(activity(changes).to_string().as_bytes())
}

fn origin_of(changes: Value) -> ConversationRef {
    match read(changes).unwrap() {
        Activity::Message { origin, .. } => origin,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_says_who_where_and_what() {
    let Activity::Message { origin, from, text } = read(json!({})).unwrap() else {
        panic!("not a message");
    };
    assert_eq!(text, "connect");
    assert_eq!(origin.conversation.kind, ConversationKind::Personal);
    assert_eq!(origin.activity_id.as_deref(), Some("1700000000001"));
    assert_eq!(origin.locale.as_deref(), Some("de-DE"));
    assert_eq!((origin.tenant.as_str(), from.object_id.as_deref()), ("tenant-1", Some("oid-ada")));
}

#[test]
fn the_tenant_comes_from_either_place_and_from_both_only_if_they_agree() {
    let no_channel_data = json!({"channelData": null});
    assert_eq!(origin_of(no_channel_data).tenant, "tenant-1");
    let no_conversation = json!({"conversation": {"tenantId": null}});
    assert_eq!(origin_of(no_conversation).tenant, "tenant-1");
    let upper_case = json!({"conversation": {"tenantId": "TENANT-1"}});
    assert_eq!(origin_of(upper_case).tenant, "tenant-1");
    let other = json!({"conversation": {"tenantId": "tenant-2"}});
    assert_eq!(read(other), Err(Incomplete::TwoTenants));
    let neither = json!({"channelData": {"tenant": null}, "conversation": {"tenantId": ""}});
    assert_eq!(read(neither), Err(Incomplete::NoTenant));
}

#[test]
fn what_an_answer_needs_has_to_be_there() {
    let cases = [
        (json!({"conversation": {"id": null}}), Incomplete::NoConversation),
        (json!({"serviceUrl": null}), Incomplete::NoServiceUrl),
        (json!({"from": null}), Incomplete::NoSender),
        (json!({"from": {"id": 29}}), Incomplete::NoSender),
    ];
    for (changes, incomplete) in cases {
        assert_eq!(read(changes), Err(incomplete));
    }
    for body in ["", "null", "[]", "{", "\"message\""] {
        assert_eq!(Activity::read(body.as_bytes()), Err(Incomplete::NotAnActivity));
    }
}

#[test]
fn conversations_are_personal_only_where_teams_says_so() {
    let cases = [
        (json!("personal"), ConversationKind::Personal),
        (json!("groupChat"), ConversationKind::GroupChat),
        (json!("channel"), ConversationKind::Channel),
        (json!("Personal"), ConversationKind::Other),
        (json!("hologram"), ConversationKind::Other),
        (json!(7), ConversationKind::Other),
        (json!(null), ConversationKind::Other),
    ];
    for (kind, expected) in cases {
        let origin = origin_of(json!({"conversation": {"conversationType": kind}}));
        assert_eq!(origin.conversation.kind, expected);
    }
}

#[test]
fn the_members_of_a_channel_are_its_teams() {
    assert_eq!(origin_of(json!({})).rosters(), ["a:1"]);
    let thread = json!({"id": "19:c@thread.tacv2;messageid=1"});
    let origin = origin_of(json!({"conversation": thread.clone()}));
    assert_eq!(origin.rosters(), ["19:c@thread.tacv2"]);
    let team = json!({"team": {"id": "19:t@thread.tacv2"}});
    let origin = origin_of(json!({"conversation": thread, "channelData": team}));
    assert_eq!(origin.rosters(), ["19:t@thread.tacv2", "19:c@thread.tacv2"]);
}

#[test]
fn the_locale_is_the_activitys_or_else_the_clients() {
    let client = json!([{"type": "clientInfo", "locale": "fr-FR"}, null, {"type": "mention"}]);
    let both = json!({"entities": client.clone()});
    assert_eq!(origin_of(both).locale.as_deref(), Some("de-DE"));
    let of_client = json!({"locale": null, "entities": client});
    assert_eq!(origin_of(of_client).locale.as_deref(), Some("fr-FR"));
    assert_eq!(origin_of(json!({"locale": 4})).locale, None);
}

#[test]
fn only_the_bots_own_mention_is_taken_out() {
    let mention = |id: &str, name: &str| {
        json!({"type": "mention", "mentioned": {"id": id, "name": name},
            "text": format!("<at>{name}</at>")})
    };
    let changes = json!({
        "text": "<at>Connect Bot</at>status <at>Grace</at>",
        "entities": [mention("29:grace", "Grace"), mention("28:bot", "Connect Bot")],
    });
    let Activity::Message { text, .. } = read(changes).unwrap() else { panic!("no message") };
    assert_eq!(text, "status <at>Grace</at>");

    let nobody = json!({
        "text": "<at>Grace</at>", "recipient": {"id": null}, "entities": [mention("", "Grace")],
    });
    let Activity::Message { text, .. } = read(nobody).unwrap() else { panic!("no message") };
    assert_eq!(text, "<at>Grace</at>");

    let by_name = json!({
        "text": "<at>Connect Bot</at> help",
        "entities": [{"type": "mention", "mentioned": {"id": "28:bot", "name": "Connect Bot"}}],
    });
    let Activity::Message { text, .. } = read(by_name).unwrap() else { panic!("no message") };
    assert_eq!(text, "help");
}

#[test]
fn a_slash_command_is_a_message_that_only_the_bot_sees() {
    let origin = origin_of(json!({"recipient": {"isTargeted": true}}));
    assert!(origin.recipient.is_targeted);
    assert!(!origin_of(json!({})).recipient.is_targeted);
}

#[test]
fn buttons_are_told_apart() {
    let submit = json!({"text": null, "value": {"do": "x"}, "replyToId": "1699"});
    let Activity::CardSubmit { value, .. } = read(submit).unwrap() else {
        panic!("no submit");
    };
    assert_eq!(value, json!({"do": "x"}));

    let message_back = json!({"text": "status", "value": {"do": "x"}});
    assert!(matches!(read(message_back), Ok(Activity::Message { .. })));

    let execute = json!({
        "type": "invoke", "name": "adaptiveCard/action",
        "value": {"action": {"type": "Action.Execute", "verb": "connect.it_was_me",
            "data": {"a": 1, "message": "4K9ZT0"}}, "trigger": "manual"},
    });
    let Activity::CardAction { verb, message, .. } = read(execute).unwrap() else {
        panic!("no action");
    };
    assert_eq!((verb.as_str(), message.as_deref()), ("connect.it_was_me", Some("4K9ZT0")));
}

#[test]
fn what_is_not_served_needs_nothing_but_its_kind() {
    let bare = |fields: Value| Activity::read(fields.to_string().as_bytes()).unwrap();
    let name = || "task/fetch".to_owned();
    assert_eq!(
        bare(json!({"type": "invoke", "name": name()})),
        Activity::OtherInvoke { name: name() }
    );
    for ignored in [
        json!({"type": "messageUpdate"}),
        json!({"type": "hologram", "from": 3}),
        json!({"type": null}),
        json!({}),
        json!({"type": "conversationUpdate", "channelData": {"eventType": "channelCreated"}}),
        json!({"type": "installationUpdate", "action": "hologram"}),
    ] {
        assert_eq!(bare(ignored), Activity::Ignored);
    }
}

#[test]
fn an_installation_is_told_in_two_ways() {
    for (action, came, upgrade) in [
        ("add", true, false),
        ("add-upgrade", true, true),
        ("remove", false, false),
        ("remove-upgrade", false, true),
    ] {
        let told = read(json!({"type": "installationUpdate", "action": action})).unwrap();
        let change = match told {
            Activity::Installed { change, .. } if came => change,
            Activity::Removed { change, .. } if !came => change,
            other => panic!("{other:?}"),
        };
        assert!(change.bot);
        assert_eq!(change.upgrade, upgrade);
        assert_eq!(change.by.unwrap().id, "29:ada");
    }
    let roster = |list: &str, ids: &[&str]| {
        let members: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
        read(json!({"type": "conversationUpdate", "from": null, list: members})).unwrap()
    };
    match roster("membersAdded", &["28:bot", "29:grace"]) {
        Activity::Installed { change, .. } => {
            assert!(change.bot && change.by.is_none());
            assert_eq!(change.people.len(), 1);
        }
        other => panic!("{other:?}"),
    }
    match roster("membersRemoved", &["29:grace"]) {
        Activity::Removed { change, .. } => assert!(!change.bot),
        other => panic!("{other:?}"),
    }
    assert_eq!(roster("membersAdded", &[]), Activity::Ignored);
}

#[test]
fn what_people_wrote_does_not_print() {
    let printed = format!("{:?}", read(json!({"text": "my-words"})).unwrap());
    assert!(!printed.contains("my-words") && !printed.contains("Ada"), "{printed}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Activity::read(&body);
    }

    #[test]
    fn any_field_may_hold_anything(
        kind in prop_oneof![
            Just("message"), Just("invoke"), Just("installationUpdate"), Just("conversationUpdate"),
        ],
        field in prop_oneof![
            Just("id"), Just("serviceUrl"), Just("from"), Just("conversation"), Just("recipient"),
            Just("channelData"), Just("entities"), Just("locale"), Just("text"), Just("value"),
            Just("name"), Just("action"), Just("membersAdded"), Just("membersRemoved"),
            Just("replyToId"),
        ],
        content in any_json(),
    ) {
        let mut fields = activity(json!({"type": kind}));
        fields[field] = content;
        let _ = Activity::read(fields.to_string().as_bytes());
    }
}
