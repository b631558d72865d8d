//! Ids of Entra are the same in either case, wherever they come from.

use connect_sandbox::novu::{NewConnection, NewEndpoint, Profile, Workspace};
use connect_sandbox::teams::{Person, Tenant};
use serde_json::json;

use super::{CHAIN, CREATE};
use crate::bot::teams::{ADA, INTEGRATION, TeamsBot, member, said};

const TENANT: &str = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
const IDA: &str = "0b1d6f3e-5c1f-4b6e-8f0a-2f7f3a6d9c11";

#[tokio::test]
async fn a_table_a_connection_and_a_link_in_upper_case_are_those_of_the_person() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let (tenant, user) = (TENANT.to_uppercase(), IDA.to_uppercase());
    let table = format!("platform,workspace,user,subscriber\nteams,{tenant},{user},ida\n");
    std::fs::write(&path, table).unwrap();
    let world = |teams: &connect_sandbox::teams::Teams| {
        teams.add_tenant(Tenant::new(TENANT, "Globex"));
        teams.add_person(Person::new(TENANT, IDA, "Ida Globex"));
    };
    let settings =
        [(CHAIN, "table"), (CREATE, ""), ("CONNECT_IDENTITY__TABLE", path.to_str().unwrap())];
    let bot = TeamsBot::start_among(world, &settings).await;
    let connection = NewConnection {
        identifier: "globex".to_owned(),
        integration: INTEGRATION.to_owned(),
        workspace: Workspace { id: tenant.clone(), ..Workspace::default() },
        access_token: "app-only".to_owned(),
        ..NewConnection::default()
    };
    bot.novu.add_connection(connection).unwrap();
    bot.novu.add_subscriber("ida", Profile::default());
    bot.clock.advance(std::time::Duration::from_secs(4));
    bot.ready().await;
    let status = bot.ask(IDA, "status").await;
    assert!(said(&status).contains("You are not connected yet."), "{}", said(&status));

    let endpoint = NewEndpoint {
        integration: INTEGRATION.to_owned(),
        connection: Some("globex".to_owned()),
        subscriber_id: "ida".to_owned(),
        kind: "ms_teams_user".to_owned(),
        endpoint: json!({"userId": user, "tenantId": tenant}),
        ..NewEndpoint::default()
    };
    bot.novu.add_endpoint(endpoint).unwrap();
    let status = bot.ask(IDA, "status").await;
    assert!(said(&status).contains("You are connected as ida"), "{}", said(&status));
}

#[tokio::test]
async fn where_teams_tells_no_addresses_nobody_becomes_a_new_subscriber() {
    let bot = TeamsBot::start_with(&[(CHAIN, "email,template")]).await;
    bot.novu.add_subscriber("ada", Profile::with_email(&format!("{ADA}@canary.example")));
    bot.teams.add_person(Person { email: None, upn: None, ..member(ADA, "Ada Lovelace") });
    let refusal = bot.ask(ADA, "connect").await;
    assert!(said(&refusal).contains("C-EMAIL-MISSING"), "{}", said(&refusal));
    bot.teams.add_person(Person { email: None, ..member(ADA, "Ada Lovelace") });
    bot.ask(ADA, "connect").await;
    assert_eq!(bot.mints()[0].json()["subscriberId"], "teams:tenant-acme:oid-ada");
}
