# Alles, was Menschen lesen. Platzhalter: $connect ist der Befehl, wie er einzugeben ist.
# Eine Ablehnung steht unter ihrem Code; .remedy sagt, was man als Nächstes tun kann.

sign-in = Verbinde dein Konto, damit deine Benachrichtigungen hier ankommen.
sign-in-private = Nur du siehst das. Der Link ist persönlich: Gib ihn nicht weiter.
sign-in-until = Er gilt bis { $until }.
sign-in-after = Nach der Anmeldung kannst du die Seite schließen und hierher zurückkehren.
sign-in-button = Anmelden
sign-in-button-label = Anmelden und das Konto verbinden
sign-in-spoken = Benutze die Schaltfläche „Anmelden“ in dieser Nachricht.
new-link-button = Neuer Link
card-fallback = Diese App kann die Nachricht nicht zeigen. Öffne diesen Chat in einer neueren Version der App oder im Browser.

already-connected = Du bist als { $subscriber } verbunden.
already-connected-since = Du bist seit { $since } als { $subscriber } verbunden.
already-connected-hint = Es gibt nichts zu tun. Deine Benachrichtigungen kommen hier an.
not-connected = Du bist noch nicht verbunden.
not-connected-hint = Gib { $connect } ein, um dein Konto zu verbinden.

working = Deine Antwort ist unterwegs. Sie erscheint gleich hier.

welcome = Hallo! Ich verbinde dein Konto, damit deine Benachrichtigungen hier ankommen.
help = Das kannst du eingeben:
help-connect = { $words } – dein Konto verbinden oder sehen, dass es verbunden ist
help-status = { $words } – sehen, ob und als wer du verbunden bist
help-help = { $words } – diese Liste
help-unknown-command = „{ $said }“ kenne ich nicht.
help-meant = Meintest du { $nearest }?

link-title = Verbinde dein Konto
link-lead = Melde dich einmal an, dann kommen deine Benachrichtigungen in diesem Chat-Konto an.
link-person = Chat-Konto
link-workspace = Workspace
link-tenant = Organisation
link-account = Benachrichtigungskonto
link-account-unknown = Das, das deine Organisation für dich führt
link-warning = Diese Seite ist persönlich. Wenn du das nicht bist, schließe sie: Bisher hat sich nichts geändert.
link-button = Weiter zur Anmeldung
link-next = Du meldest dich bei { $provider } an. Danach kannst du die Seite schließen.
link-connected-title = Du bist verbunden
link-connected-hint = Es gibt nichts zu tun. Du kannst diese Seite schließen.
link-refused-title = Das hat nicht geklappt
link-expired-title = Dieser Link ist abgelaufen
link-expired = Ein solcher Link gilt einen Tag, damit ihn niemand später irgendwo findet.
    .remedy = Geh zurück in deinen Chat und gib { $connect } ein, um einen neuen zu bekommen.
link-unknown-title = Dieser Link funktioniert nicht
link-unknown = Vielleicht ist unterwegs ein Stück verloren gegangen.
    .remedy = Öffne ihn noch einmal in deinem Chat. Wenn das nicht hilft, hol dir dort einen neuen: Gib /connect ein oder das, womit du diesen bekommen hast.
link-elsewhere-title = Das hat nicht hier begonnen
link-elsewhere = Eine andere Website wollte deine Anmeldung starten, deshalb habe ich sie angehalten. Es hat sich nichts geändert.
    .remedy = Wenn du dein Konto verbinden willst, öffne den Link in deinem Chat und drücke dort auf die Schaltfläche.

open-chat = Hier kann ich dir nicht unter vier Augen antworten. Öffne einen Chat mit mir: { $link }

reference = Code { $code } · Kennung { $reference }

C-WORKSPACE = Dieser Workspace ist noch nicht mit den Benachrichtigungen verbunden.
    .remedy = Bitte die Administration deines Benachrichtigungsdienstes, ihn zu verbinden, und gib dann { $connect } noch einmal ein.
C-CONTEXT = Dieser Workspace ist auf mehr als eine Weise mit Benachrichtigungen verbunden oder nicht auf die, die für dich gedacht ist, deshalb weiß ich nicht, wohin deine sollen.
    .remedy = Nenne deiner Administration den Code und die Kennung unten.
C-IDENTITY = Dein Chat-Konto steht nicht auf der Liste derer, die sich verbinden können.
    .remedy = Bitte deine Administration, dich aufzunehmen.
C-SUBSCRIBER = Für dich gibt es noch kein Benachrichtigungskonto.
    .remedy = Bitte deine Administration, eines anzulegen, und gib dann { $connect } noch einmal ein.
C-EMAIL-UNCONFIRMED = Die E-Mail-Adresse deines Chat-Kontos ist nicht bestätigt.
    .remedy = Bestätige sie in den Einstellungen deines Chat-Kontos und gib dann { $connect } noch einmal ein.
C-EMAIL-MISSING = Dein Chat-Konto zeigt keine E-Mail-Adresse, deshalb weiß ich nicht, welches Konto deines ist.
    .remedy = Bitte deine Administration, der App E-Mail-Adressen zu zeigen oder dich von Hand aufzunehmen.
C-EMAIL-UNKNOWN = Niemand mit deiner E-Mail-Adresse hat ein Benachrichtigungskonto.
    .remedy = Bitte deine Administration, eines mit der Adresse deines Chat-Kontos anzulegen.
C-EMAIL-AMBIGUOUS = Mehrere Benachrichtigungskonten haben deine E-Mail-Adresse, deshalb weiß ich nicht, welches deines ist.
    .remedy = Bitte deine Administration, dich von Hand aufzunehmen.
C-EMAIL-DOMAIN = Adressen wie deine werden in diesem Workspace nicht angenommen.
    .remedy = Bitte deine Administration, die Domain deiner E-Mail-Adresse hier zuzulassen oder dich von Hand aufzunehmen.
C-GUEST = Gäste können nicht über ihre E-Mail-Adresse verbunden werden.
    .remedy = Bitte deine Administration, dich von Hand aufzunehmen.
C-EXTERNAL = Du gehörst zu einer anderen Organisation, und diese App ist nur für die da, die sie installiert hat.
    .remedy = Gib { $connect } in deinem eigenen Workspace ein.
C-BOT = Nur Menschen können sich verbinden.
    .remedy = Benutze das Chat-Konto eines Menschen.
C-DEACTIVATED = Dieses Chat-Konto ist abgeschaltet.
    .remedy = Bitte deine Administration, es wieder einzuschalten.
C-WEBHOOK-REFUSED = Das Verzeichnis deiner Organisation lässt nicht zu, dass du dich verbindest.
    .remedy = Frage deine Administration danach.
C-WEBHOOK-DOWN = Das Verzeichnis deiner Organisation antwortet nicht, deshalb weiß ich nicht, wer du bist.
    .remedy = Versuche es in ein paar Minuten noch einmal. Wenn es so bleibt, sag es deiner Administration.
C-PROFILE = Ich kann dein Chat-Konto nicht nachschlagen, deshalb weiß ich nicht, wer du bist.
    .remedy = Versuche es in ein paar Minuten noch einmal. Wenn es so bleibt, sag es deiner Administration.
C-LINKED-ELSEWHERE = Du bist verbunden, aber so, dass Benachrichtigungen diesen Workspace nicht erreichen.
    .remedy = Nenne deiner Administration den Code und die Kennung unten. Sie kann die alte Verbindung entfernen.
C-HELD = Dein Chat-Konto ist schon verbunden, aber mit einem anderen Konto des Benachrichtigungsdienstes.
    .remedy = Nenne deiner Administration den Code und die Kennung unten. Sie kann die alte Verbindung entfernen; frag danach noch einmal.
C-LINK-LENGTH = Dein Anmeldelink ist zu lang für eine Schaltfläche.
    .remedy = Nenne deiner Administration den Code und die Kennung unten.
C-LINK-HOST = Dein Anmeldelink führt nicht dorthin, wohin er soll, deshalb zeige ich ihn nicht.
    .remedy = Nenne deiner Administration den Code und die Kennung unten.
C-NOVU-KEY = Der Benachrichtigungsdienst nimmt diese App nicht an.
    .remedy = Nenne deiner Administration den Code und die Kennung unten.
C-NOVU-INTEGRATION = Der Benachrichtigungsdienst ist für diese App nicht eingerichtet.
    .remedy = Nenne deiner Administration den Code und die Kennung unten.
C-NOVU-REJECTED = Der Benachrichtigungsdienst hat die Anfrage nicht angenommen.
    .remedy = Nenne deiner Administration den Code und die Kennung unten.
C-NOVU-BUSY = Der Benachrichtigungsdienst hat gerade zu viel zu tun.
    .remedy = Gib { $connect } in einer Minute noch einmal ein.
C-NOVU-DOWN = Der Benachrichtigungsdienst ist gerade nicht zu erreichen.
    .remedy = Gib { $connect } in ein paar Minuten noch einmal ein.
C-NOVU-SLOW = Der Benachrichtigungsdienst braucht gerade zu lange.
    .remedy = Gib { $connect } in ein paar Minuten noch einmal ein.
C-NOVU-ANSWER = Der Benachrichtigungsdienst hat etwas Unverständliches geantwortet.
    .remedy = Nenne deiner Administration den Code und die Kennung unten.
C-TOO-OFTEN = Das waren viele Anfragen in kurzer Zeit.
    .remedy = Warte eine halbe Minute und gib dann { $connect } noch einmal ein.
C-BUSY = Ich habe gerade zu viel zu tun.
    .remedy = Gib { $connect } in einer Minute noch einmal ein.
C-STORE = Ich kann deine Anfrage gerade nicht speichern und konnte deshalb nicht anfangen.
    .remedy = Gib { $connect } in ein paar Minuten noch einmal ein. Wenn es so bleibt, nenne deiner Administration den Code und die Kennung unten.
C-BROKEN = Ein Fehler bei mir hat verhindert, dass ich deine Anfrage beende.
    .remedy = Gib { $connect } noch einmal ein. Wenn es so bleibt, nenne deiner Administration den Code und die Kennung unten.
C-RESTARTING = Ich werde neu gestartet und konnte deine Anfrage nicht beenden.
    .remedy = Gib { $connect } in einer Minute noch einmal ein.
C-INCOMPLETE = Deine Anfrage kam ohne das an, was ich für eine Antwort brauche.
    .remedy = Gib { $connect } noch einmal ein. Wenn es so bleibt, sag es deiner Administration.

# The notice that somebody sees who presses the button for a fresh link.
press-notice = Dein neuer Link ist unterwegs. Er erscheint an der Stelle dieser Karte.
