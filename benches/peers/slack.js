// `/connect` as one would build it with Bolt for JavaScript: one handler and the one call to Novu that
// makes the link. It looks nobody up, so it does less than the product, which asks Novu and Slack first.
import bolt from "@slack/bolt";

const { PORT, SECRET, NOVU, KEY, TOKEN } = process.env;

const receiver = new bolt.HTTPReceiver({ signingSecret: SECRET, endpoints: "/slack/commands" });
const app = new bolt.App({
  receiver,
  // The usual check of the token at the first request would ask the real Slack.
  authorize: async () => ({ botToken: TOKEN, botId: "B1", botUserId: "U1" }),
  logLevel: bolt.LogLevel.ERROR,
});

app.command("/connect", async ({ ack, command }) => {
  const minted = await fetch(`${NOVU}/v1/integrations/channel-endpoints/oauth`, {
    method: "POST",
    headers: { authorization: `ApiKey ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({
      subscriberId: `slack:${command.team_id}:${command.user_id}`,
      integrationIdentifier: "slack",
      connectionIdentifier: "load",
    }),
  });
  const { data } = await minted.json();
  const text = { type: "plain_text", text: "Sign in" };
  await ack({
    response_type: "ephemeral",
    text: "Sign in",
    blocks: [{ type: "actions", elements: [{ type: "button", text, url: data.url }] }],
  });
});

await app.start({ port: Number(PORT), host: "127.0.0.1" });
