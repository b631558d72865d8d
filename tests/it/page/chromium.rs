//! A real browser for what only a browser knows: where things are on the screen.
//!
//! It is driven over its `DevTools` protocol (Chromium, `--remote-debugging-pipe`): JSON, each message ended by
//! a zero byte, over two pipes that a shell puts where Chromium expects them. That takes no WebSocket and no
//! further crate.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Says that nothing may be left out.
const NEEDED: &str = "CONNECT_TESTS_NEED_CHROMIUM";
/// The longest that the browser may take for one thing. It starts beside many other tests.
const PATIENCE: Duration = Duration::from_mins(1);
/// What Chromium is called.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// What axe needs to find, as a list of texts.
const RUN_AXE: &str = "axe.run(document).then(found => found.violations.map(violation =>
    violation.id + ': ' + violation.nodes.map(node => node.html).join(' ')))";
/// Where things are.
const LAYOUT: &str = "(() => {
    const box = document.querySelector('.act > :not([type=hidden])')?.getBoundingClientRect();
    const page = document.documentElement;
    return {
        button: box ? [box.left, box.top, box.right, box.bottom] : null,
        screen: [innerWidth, innerHeight],
        overflow: page.scrollWidth - page.clientWidth,
        background: getComputedStyle(document.body).backgroundColor,
        title: document.querySelector('h1').textContent,
    };
})()";

/// A browser with one tab.
pub(crate) struct Chromium {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    /// What came while something else was waited for.
    unheard: Vec<Value>,
    session: Option<String>,
    sent: u64,
    axe: Option<String>,
    _profile: TempDir,
}

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// In CSS pixels.
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) dark: bool,
    /// The languages that the reader reads.
    pub(super) languages: &'static str,
}

/// What a page looks like.
#[derive(Debug)]
pub(crate) struct Looks {
    pub(super) title: String,
    /// Left, top, right and bottom of what there is to press, in CSS pixels of the screen.
    pub(super) button: Option<[f64; 4]>,
    /// Width and height.
    pub(super) screen: [f64; 2],
    /// How far the page can be scrolled sideways.
    pub(super) overflow: f64,
    pub(super) background: String,
    /// What axe objects to.
    pub(super) violations: Vec<String>,
}

impl Chromium {
    /// Starts a browser; none where there is none on this machine and none is needed.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = NAMES.into_iter().find_map(find) else {
            left_out("there is no Chromium, so nobody looks at the pages");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(program)
            .args(["--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu"])
            // As root, as in a container, there is no sandbox; the only pages are our own.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"])
            // Nothing leaves this machine.
            .args(["--disable-background-networking", "--disable-component-update"])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (commands, said) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(said).split(0) {
                let Ok(message) = message else { return };
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        let axe = std::fs::read_to_string(axe_path()).ok();
        if axe.is_none() {
            left_out("there is no axe-core in target/axe, so it looks at no page");
        }
        let mut chromium = Self {
            child,
            commands,
            messages,
            unheard: Vec::new(),
            session: None,
            sent: 0,
            axe,
            _profile: profile,
        };
        chromium.open_tab();
        Some(chromium)
    }

    fn open_tab(&mut self) {
        let tab = self.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let tab = json!({ "targetId": tab["targetId"], "flatten": true });
        let attached = self.call("Target.attachToTarget", &tab);
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        self.call("Page.enable", &json!({}));
        self.call("Network.enable", &json!({}));
    }

    /// Opens an address in that view.
    pub(super) fn open(&mut self, url: &str, view: View) {
        let scheme = if view.dark { "dark" } else { "light" };
        let screen = json!({
            "width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": view.width < 600
        });
        self.call("Emulation.setDeviceMetricsOverride", &screen);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features }));
        let headers = json!({ "headers": { "Accept-Language": view.languages } });
        self.call("Network.setExtraHTTPHeaders", &headers);
        self.unheard.clear();
        self.call("Page.navigate", &json!({ "url": url }));
        self.event("Page.loadEventFired");
    }

    /// Presses the button of the page, and waits for the next one.
    pub(super) fn press(&mut self) {
        self.click(".act > *");
    }

    /// Presses what a selector finds first, and waits for the next page.
    pub(crate) fn click(&mut self, selector: &str) {
        self.unheard.clear();
        self.evaluate(&format!("document.querySelector('{selector}').click()"));
        self.event("Page.loadEventFired");
    }

    /// Looks at the page, and leaves a picture of it for whoever wants to look as well.
    pub(super) fn look(&mut self, name: &str) -> Looks {
        let violations = match self.axe.clone() {
            Some(axe) => {
                self.evaluate(&format!("{axe};0"));
                serde_json::from_value(self.evaluate(RUN_AXE)).unwrap()
            }
            None => Vec::new(),
        };
        let layout = self.evaluate(LAYOUT);
        let picture = self.call("Page.captureScreenshot", &json!({}));
        let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
        Looks {
            title: layout["title"].as_str().unwrap().to_owned(),
            button: serde_json::from_value(layout["button"].clone()).unwrap(),
            screen: serde_json::from_value(layout["screen"].clone()).unwrap(),
            overflow: layout["overflow"].as_f64().unwrap(),
            background: layout["background"].as_str().unwrap().to_owned(),
            violations,
        }
    }

    fn evaluate(&mut self, script: &str) -> Value {
        let script = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let evaluated = self.call("Runtime.evaluate", &script);
        assert!(evaluated["exceptionDetails"].is_null(), "{evaluated}");
        evaluated["result"]["value"].clone()
    }

    /// Gives a command and waits for what comes of it.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.sent += 1;
        let mut command = json!({ "id": self.sent, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut command = command.to_string().into_bytes();
        command.push(0);
        self.commands.write_all(&command).unwrap();
        let id = self.sent;
        let answer = self.wait(method, |message| message["id"] == id);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn event(&mut self, method: &str) {
        self.wait(method, |message| message["method"] == method);
    }

    fn wait(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(there) = self.unheard.iter().position(&is_it) {
            return self.unheard.remove(there);
        }
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let message =
                message.unwrap_or_else(|error| panic!("{what}: Chromium says nothing: {error}"));
            if is_it(&message) {
                return message;
            }
            self.unheard.push(message);
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a program is, if it is in the path.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Where `.ci/run` puts axe-core.
fn axe_path() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("axe/node_modules/axe-core/axe.min.js")
}

/// Says what is left out; nothing may be where everything is needed.
#[expect(clippy::print_stderr, reason = "the tests' own line, for whoever runs them")]
fn left_out(what: &str) {
    assert!(std::env::var_os(NEEDED).is_none(), "{what}");
    eprintln!("{what}");
}
