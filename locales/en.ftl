# Everything that people read. Placeables: $connect is the command, ready to be typed.
# A refusal is keyed by its code; .remedy says what the person can do next.

sign-in = Connect your account to get your notifications here.
sign-in-private = Only you can see this. The link is personal: do not pass it on.
sign-in-until = It works until { $until }.
sign-in-after = After signing in you can close the page and come back here.
sign-in-button = Sign in
sign-in-button-label = Sign in to connect your account
sign-in-spoken = Use the button “Sign in” in this message.
new-link-button = New link
card-fallback = This app cannot show the message. Open this chat in a newer version of the app, or in your browser.

already-connected = You are connected as { $subscriber }.
already-connected-since = You are connected as { $subscriber } since { $since }.
already-connected-hint = There is nothing to do. Your notifications arrive here.
not-connected = You are not connected yet.
not-connected-hint = Type { $connect } to connect your account.

working = Your answer is on its way. It appears here in a moment.

welcome = Hello! I connect your account, so that your notifications arrive here.
help = This is what you can type:
help-connect = { $words } – connect your account, or see that it is connected
help-status = { $words } – see whether you are connected, and as whom
help-help = { $words } – this list
help-unknown-command = I do not know “{ $said }”.
help-meant = Did you mean { $nearest }?

link-title = Connect your account
link-lead = Sign in once, and your notifications arrive in this chat account.
link-person = Chat account
link-workspace = Workspace
link-tenant = Organisation
link-account = Notification account
link-account-unknown = The one that your organisation has for you
link-warning = This page is personal. If this is not you, close it: nothing has changed so far.
link-button = Continue to sign in
link-next = You sign in at { $provider }. After that you can close the page.
link-connected-title = You are connected
link-connected-hint = There is nothing to do. You can close this page.
link-refused-title = This did not work
link-expired-title = This link has expired
link-expired = A link like this works for one day, so that nobody finds it lying around.
    .remedy = Go back to your chat and type { $connect } to get a new one.
link-unknown-title = This link does not work
link-unknown = Maybe a part of it got lost on the way.
    .remedy = Open it in your chat once more. If that does not help, ask for a new one there: type /connect, or whatever you typed to get this one.
link-elsewhere-title = This did not start here
link-elsewhere = Another website tried to start your sign-in, so I stopped it. Nothing has changed.
    .remedy = If you want to connect your account, open the link in your chat and press the button there.

open-chat = I cannot answer you privately here. Open a chat with me: { $link }

reference = Code { $code } · reference { $reference }

C-WORKSPACE = This workspace is not connected to notifications yet.
    .remedy = Ask the administrator of your notification service to connect it, then type { $connect } again.
C-CONTEXT = This workspace is connected to notifications in more than one way, or not in the one that is meant for you, so I cannot tell where yours should go.
    .remedy = Tell your administrator the code and the reference below.
C-IDENTITY = Your chat account is not on the list of people who can connect.
    .remedy = Ask your administrator to add you.
C-SUBSCRIBER = There is no notification account for you yet.
    .remedy = Ask your administrator to create one, then type { $connect } again.
C-EMAIL-UNCONFIRMED = The e-mail address of your chat account is not confirmed.
    .remedy = Confirm it in your chat account’s settings, then type { $connect } again.
C-EMAIL-MISSING = Your chat account shows no e-mail address, so I cannot tell which account is yours.
    .remedy = Ask your administrator to let the app see e-mail addresses, or to add you by hand.
C-EMAIL-UNKNOWN = Nobody with your e-mail address has a notification account.
    .remedy = Ask your administrator to create one with the address of your chat account.
C-EMAIL-AMBIGUOUS = More than one notification account has your e-mail address, so I cannot tell which is yours.
    .remedy = Ask your administrator to add you by hand.
C-EMAIL-DOMAIN = Addresses like yours are not accepted in this workspace.
    .remedy = Ask your administrator to accept the domain of your e-mail address here, or to add you by hand.
C-GUEST = Guests cannot be connected by e-mail address.
    .remedy = Ask your administrator to add you by hand.
C-EXTERNAL = You belong to another organisation, and this app serves only the one that installed it.
    .remedy = Type { $connect } in your own workspace.
C-BOT = Only people can connect.
    .remedy = Use the chat account of a person.
C-DEACTIVATED = This chat account is switched off.
    .remedy = Ask your administrator to switch it on again.
C-WEBHOOK-REFUSED = Your organisation’s directory does not let you connect.
    .remedy = Ask your administrator about it.
C-WEBHOOK-DOWN = Your organisation’s directory does not answer, so I cannot tell who you are.
    .remedy = Try again in a few minutes. If it stays like this, tell your administrator.
C-PROFILE = I cannot look up your chat account, so I cannot tell who you are.
    .remedy = Try again in a few minutes. If it stays like this, tell your administrator.
C-LINKED-ELSEWHERE = You are connected, but in a way that cannot deliver notifications to this workspace.
    .remedy = Tell your administrator the code and the reference below. They can remove the old link.
C-HELD = Your chat account is already connected, but to another account of the notification service.
    .remedy = Tell your administrator the code and the reference below. They can remove the old connection; then ask again.
C-LINK-LENGTH = Your sign-in link is too long for a button.
    .remedy = Tell your administrator the code and the reference below.
C-LINK-HOST = Your sign-in link does not lead where it should, so I am not showing it.
    .remedy = Tell your administrator the code and the reference below.
C-NOVU-KEY = The notification service does not accept this app.
    .remedy = Tell your administrator the code and the reference below.
C-NOVU-INTEGRATION = The notification service is not set up for this app.
    .remedy = Tell your administrator the code and the reference below.
C-NOVU-REJECTED = The notification service did not accept the request.
    .remedy = Tell your administrator the code and the reference below.
C-NOVU-BUSY = The notification service has too much to do at the moment.
    .remedy = Type { $connect } again in a minute.
C-NOVU-DOWN = The notification service cannot be reached at the moment.
    .remedy = Type { $connect } again in a few minutes.
C-NOVU-SLOW = The notification service is taking too long at the moment.
    .remedy = Type { $connect } again in a few minutes.
C-NOVU-ANSWER = The notification service gave an answer that makes no sense.
    .remedy = Tell your administrator the code and the reference below.
C-TOO-OFTEN = That was a lot of requests in a short time.
    .remedy = Wait half a minute, then type { $connect } again.
C-BUSY = I have too much to do at the moment.
    .remedy = Type { $connect } again in a minute.
C-STORE = I cannot save your request at the moment, so I could not begin.
    .remedy = Type { $connect } again in a few minutes. If it stays like this, tell your administrator the code and the reference below.
C-BROKEN = An error of mine kept me from finishing your request.
    .remedy = Type { $connect } again. If it stays like this, tell your administrator the code and the reference below.
C-RESTARTING = I am being restarted, so I could not finish your request.
    .remedy = Type { $connect } again in a minute.
C-INCOMPLETE = Your request arrived without what I need to answer it.
    .remedy = Type { $connect } again. If it stays like this, tell your administrator.

# The notice that somebody sees who presses the button for a fresh link.
press-notice = Your new link is on its way. It takes the place of this card.
