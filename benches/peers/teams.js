// "connect" as one would build it with the Microsoft 365 Agents SDK: one handler, the two calls to Novu
// without which it makes no link for somebody new, and a card. It looks nobody up, so it does less than
// the product.
import { createRequire } from "node:module";
import {
  ActivityHandler,
  CardFactory,
  ConnectorClient,
  MessageFactory,
  MsalTokenProvider,
} from "@microsoft/agents-hosting";
import { startServer } from "@microsoft/agents-hosting-express";

const { PORT, NOVU, KEY, APP_ID, APP_SECRET, TOKEN_URL, METADATA_URL } = process.env;

/** Calls Novu and gives its answer. */
async function novu(path, body) {
  const headers = { authorization: `ApiKey ${KEY}`, "content-type": "application/json" };
  const response = await fetch(`${NOVU}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return response.json();
}

class Bot extends ActivityHandler {
  constructor() {
    super();
    this.onMessage(async (context, next) => {
      const { from, conversation } = context.activity;
      const subscriberId = `teams:${conversation.tenantId}:${from.aadObjectId}`;
      await novu("/v2/subscribers", { subscriberId, firstName: from.name });
      const { data } = await novu("/v1/integrations/channel-endpoints/oauth", {
        subscriberId,
        integrationIdentifier: "teams",
      });
      const card = CardFactory.adaptiveCard({
        type: "AdaptiveCard",
        $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
        version: "1.5",
        body: [{ type: "TextBlock", text: "Sign in", wrap: true }],
        actions: [{ type: "Action.OpenUrl", title: "Sign in", url: data.url }],
      });
      await context.sendActivity(MessageFactory.attachment(card));
      await next();
    });
  }
}

// The SDK takes the addresses of the keys and of the tokens from nobody. What it does with a key and a
// token once it has them stays as it is.
await useKeysOf(METADATA_URL);
useTokensOf(TOKEN_URL);
encodePaths();

startServer(new Bot(), {
  authConfig: { clientId: APP_ID, clientSecret: APP_SECRET, tenantId: "peer" },
  port: Number(PORT),
});

async function useKeysOf(metadataUrl) {
  const require = createRequire(import.meta.url);
  const { createPublicKey } = require("node:crypto");
  const hosting = require.resolve("@microsoft/agents-hosting");
  const { getJwksClient } = require(hosting.replace(/index\.js$/, "auth/jwt-middleware.js"));
  const metadata = await (await fetch(metadataUrl)).json();
  const { keys } = await (await fetch(metadata.jwks_uri)).json();
  const known = new Map(
    keys.map((jwk) => {
      const pem = createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
      return [jwk.kid, { getPublicKey: () => pem }];
    }),
  );
  const client = getJwksClient("https://login.botframework.com/v1/.well-known/keys");
  client.getSigningKey = (kid, done) => {
    const key = known.get(kid);
    done(key ? null : new Error("unknown key"), key);
  };
}

function useTokensOf(tokenUrl) {
  let token;
  MsalTokenProvider.prototype.getAccessToken = async () => {
    token ??= fetch(tokenUrl, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: APP_ID,
        client_secret: APP_SECRET,
        scope: "https://api.botframework.com/.default",
      }),
    })
      .then((response) => response.json())
      .then((granted) => granted.access_token);
    return token;
  };
}

/** The stand-in takes conversation ids only as the documentation writes them, and no replies by path. */
function encodePaths() {
  const client = ConnectorClient.prototype;
  client.conditionallyTruncateConversationId = encodeURIComponent;
  client.replyToActivity = function (conversation, _activity, body) {
    return this.sendToConversation(conversation, body);
  };
}
