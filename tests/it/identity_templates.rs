//! Ids that a template makes are one person's each.

use crate::bot::{Bot, connection};

const TEMPLATE: &str = "CONNECT_IDENTITY__TEMPLATE";

#[tokio::test]
async fn a_template_with_the_workspace_in_it_serves_nobody_without_one() {
    let bot = Bot::start_with(&[(TEMPLATE, "{team}:{user}")]).await;
    bot.novu.add_connection(connection("grid", "E0GRID", &[])).unwrap();
    let user = bot.open_workspace("E0GRID");
    bot.clock.advance(std::time::Duration::from_secs(4));
    let from_the_organisation = || {
        bot.slash(&user, "")
            .without("team_id")
            .with("enterprise_id", "E0GRID")
            .with("is_enterprise_install", "true")
    };
    assert_eq!(bot.send(from_the_organisation()).await.code(), "C-INCOMPLETE");
    assert_eq!(bot.novu.subscribers().len(), 0);

    let mut settings = bot.settings();
    settings.remove(TEMPLATE);
    let bot = bot.restart(settings).await;
    let request = bot
        .slash(&user, "")
        .without("team_id")
        .with("enterprise_id", "E0GRID")
        .with("is_enterprise_install", "true");
    bot.send(request).await.link();
    assert_eq!(bot.novu.subscribers()[0].subscriber_id, format!("slack:E0GRID:{user}"));
}
