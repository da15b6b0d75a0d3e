//! The real program in a pseudo-terminal, on the demo: what no test inside the process can see.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod cluster;
mod commands;
#[allow(dead_code, unused_imports, reason = "shared with tests that do more with it")]
#[path = "../fake_api/mod.rs"]
mod fake_api;
mod pty;
mod terminals;

use std::path::Path;
use std::time::Duration;

use pty::Session;
use tempfile::TempDir;

/// Leaves the alternate screen, and shows the cursor.
const RESTORED: [&str; 2] = ["\u{1b}[?1049l", "\u{1b}[?25h"];

fn home() -> TempDir {
    tempfile::tempdir().expect("a home")
}

fn demo(home: &Path, size: (u16, u16)) -> Session {
    demo_with(home, &[], size)
}

fn demo_with(home: &Path, env: &[(&str, &str)], size: (u16, u16)) -> Session {
    Session::start(env!("CARGO_BIN_EXE_batchtop"), &["--demo"], env, home, size)
}

fn assert_restored(written: &str) {
    for sequence in RESTORED {
        assert!(written.contains(sequence), "{sequence:?} is missing at the end of {written:?}");
    }
}

#[test]
fn the_demo_is_drawn_and_q_restores_the_terminal() {
    let home = home();
    let mut session = demo(home.path(), (80, 24));
    session.wait_for("NODE");
    session.wait_for("live");
    session.send("q");
    let (status, written) = session.wait();
    assert!(status.success());
    assert_restored(&written);
}

#[test]
fn an_object_is_read_in_the_editor_and_the_dashboard_comes_back() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    let script = format!(
        "#!/bin/sh\nstat -c %a \"$1\" > {mode}\ncp \"$1\" {copy}\necho changed >> \"$1\"\nprintf '%s' \"$1\" > {path}\n",
        mode = at("mode").display(),
        copy = at("copy").display(),
        path = at("path").display(),
    );
    std::fs::write(at("editor"), script).expect("a script");
    let editor = format!("sh {}", at("editor").display());
    let mut session = demo_with(home.path(), &[("EDITOR", &editor)], (100, 30));
    session.wait_for("NODE");
    session.send("3");
    session.wait_for("PROTECTION");
    session.send("e");
    session.wait_for("what was changed in the editor is not applied");
    session.send("1");
    session.wait_for("NODE");
    session.send("q");
    assert!(session.wait().0.success());
    let read = |name: &str| std::fs::read_to_string(at(name)).expect("the editor was started");
    assert_eq!(read("mode"), "600\n");
    assert!(read("copy").starts_with("# A copy to read: what is changed here is not applied.\n"), "{}", read("copy"));
    assert!(read("copy").contains("kind: Pod\n"), "{}", read("copy"));
    let path = Path::new(&read("path")).to_owned();
    assert!(!path.exists() && !path.parent().expect("a folder").exists(), "{path:?} is left");
}

#[test]
fn the_table_of_the_demo_is_saved_and_a_file_that_is_there_is_kept() {
    let home = home();
    let file = home.path().join("nodes.csv");
    let mut session = demo(home.path(), (100, 30));
    session.wait_for("NODE");
    session.send("E");
    session.wait_for("save the table");
    session.send("\u{1b}[C\u{15}");
    session.send(&file.display().to_string());
    session.send("\r");
    session.wait_for("saved /");
    let saved = std::fs::read_to_string(&file).expect("the file");
    assert!(saved.contains("NODE") && saved.lines().count() > 20, "{saved}");
    session.send("E");
    session.wait_for("save the table");
    session.send("\u{15}");
    session.send(&file.display().to_string());
    session.send("\r");
    session.wait_for("there is a file of this name");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), saved);
    session.send("\u{3}");
    assert!(session.wait().0.success());
}

#[test]
fn the_log_of_a_pod_of_the_demo_is_followed() {
    let home = home();
    let args = ["--demo", "--demo-speed", "20"];
    let mut session = Session::start(env!("CARGO_BIN_EXE_batchtop"), &args, &[], home.path(), (100, 30));
    session.wait_for("NODE");
    session.send(":pod jupyter-mkowalski\r");
    session.wait_for("jupyter-mkowalski");
    session.send("L");
    session.wait_for("log of which container");
    session.send("\r");
    session.wait_for("ServerApp");
    session.wait_for("live");
    session.send("q");
    session.wait_for("research/jupyter-mkowalski is");
    session.send("\u{3}");
    assert!(session.wait().0.success());
}

#[test]
fn frames_are_drawn_between_synchronized_update_brackets() {
    let home = home();
    let mut session = demo(home.path(), (100, 30));
    session.wait_for("NODE");
    session.send("q");
    let (_, written) = session.wait();
    let frames: Vec<&str> = written.split("\u{1b}[?2026h").skip(1).collect();
    assert!(!frames.is_empty());
    assert!(frames.iter().all(|frame| frame.contains("\u{1b}[?2026l")), "a frame was not closed");
}

#[test]
fn number_keys_change_the_screen() {
    let home = home();
    let mut session = demo(home.path(), (120, 40));
    session.wait_for("live");
    for (key, header) in [("2", "PROGRESS"), ("3", "PROTECTION"), ("4", "ALLOWED"), ("5", "HOW FAR"), ("1", "TYPE")] {
        session.send(key);
        session.wait_for(header);
    }
    session.send("q");
    assert!(session.wait().0.success());
}

#[test]
fn the_screen_is_redrawn_after_a_resize() {
    let home = home();
    let session = demo(home.path(), (120, 40));
    session.wait_for("live");
    for size in [(80, 24), (200, 60), (40, 10)] {
        session.resize(size);
        session.wait_until("the selected row's line to fit", |screen| {
            screen.lines().all(|line| line.chars().count() <= usize::from(size.0)) && screen.contains("NODE")
        });
    }
    session.signal("TERM");
    session.wait();
}

#[test]
fn a_terminal_that_claims_billions_of_cells_is_drawn_in_part() {
    let home = home();
    let mut session = demo(home.path(), (120, 40));
    session.wait_for("live");
    let frames = || session.written().matches("\u{1b}[?2026l").count();
    let before = frames();
    session.claim_size((u16::MAX, u16::MAX));
    while frames() == before {
        std::thread::sleep(Duration::from_millis(20));
    }
    session.resize((120, 40));
    session.wait_for("live");
    session.send("q");
    let (status, written) = session.wait();
    assert!(status.success());
    assert_restored(&written);
}

#[test]
fn termination_signals_restore_the_terminal() {
    for (signal, code) in [("TERM", 143), ("HUP", 129), ("QUIT", 131)] {
        let home = home();
        let session = demo(home.path(), (80, 24));
        session.wait_for("NODE");
        session.signal(signal);
        let (status, written) = session.wait();
        assert_eq!(status.exit_code(), code, "SIG{signal}");
        assert_restored(&written);
    }
}

#[test]
fn a_closed_terminal_ends_the_program() {
    let home = home();
    let status = pty::close_under(env!("CARGO_BIN_EXE_batchtop"), &["--demo"], home.path(), "NODE");
    assert_eq!(status.exit_code(), 129);
}

#[test]
fn a_terminal_closed_without_a_signal_ends_the_program() {
    let home = home();
    // Only the leader of the session is sent SIGHUP, and this one ignores it.
    let script = format!("trap '' HUP; '{}' --demo; echo $? > code", env!("CARGO_BIN_EXE_batchtop"));
    pty::close_under("/bin/sh", &["-c", &script], home.path(), "NODE");
    assert_eq!(line_of(&home.path().join("code")), "129");
}

#[test]
fn no_key_of_a_burst_of_input_is_lost() {
    let home = home();
    let mut session = demo(home.path(), (120, 40));
    session.wait_for("live");
    // Four times what crossterm reads at once, and nothing after it that would wake it up.
    session.send(&("j".repeat(3_999) + "2"));
    session.wait_for("PROGRESS");
    session.send("1");
    session.wait_for("TYPE");
    session.send("q");
    assert!(session.wait().0.success());
}

#[test]
fn only_mouse_clicks_and_the_wheel_are_requested_from_the_terminal() {
    let home = home();
    let mut session = demo(home.path(), (80, 24));
    session.wait_for("NODE");
    session.send("q");
    let (_, written) = session.wait();
    assert!(written.contains("\u{1b}[?1000h") && written.contains("\u{1b}[?1006h"));
    assert!(!written.contains("\u{1b}[?1002h") && !written.contains("\u{1b}[?1003h"));
}

#[test]
fn ctrl_z_restores_the_terminal_and_a_continued_program_redraws() {
    let home = home();
    let mut session = demo(home.path(), (80, 24));
    session.wait_for("NODE");
    session.send("\u{1a}");
    wait_for_state(session.process_id(), 'T');
    session.wait_until("the shell to have its screen back", |_| !session.in_alternate_screen());
    session.signal("CONT");
    session.wait_until("the alternate screen", |_| session.in_alternate_screen());
    session.wait_for("NODE");
    session.send("q");
    assert!(session.wait().0.success());
}

/// Waits until the process is in a state as `/proc` writes it: T is stopped.
fn wait_for_state(pid: u32, wanted: char) {
    for _ in 0..1000 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(wanted)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("process {pid} never came to state {wanted}");
}

#[test]
fn no_colour_is_written_with_no_color_set() {
    let home = home();
    let mut session = demo_with(home.path(), &[("NO_COLOR", "1")], (120, 40));
    session.wait_for("live");
    session.send("q");
    let (_, written) = session.wait();
    assert!(written.contains("\u{1b}[1m"), "what matters is still bold");
    for colour in ["\u{1b}[38;5;", "\u{1b}[38;2;", "\u{1b}[48;5;", "\u{1b}[48;2;", "\u{1b}[31m"] {
        assert!(!written.contains(colour), "{colour:?} was written");
    }
}

#[test]
fn the_demo_writes_no_file_to_the_home_directory() {
    let home = home();
    let mut session = demo(home.path(), (80, 24));
    session.wait_for("live");
    session.send("q");
    session.wait();
    let left: Vec<_> = std::fs::read_dir(home.path()).expect("the home").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_a_terminal_an_error_points_to_snapshot() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_batchtop"))
        .arg("--demo")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("not a terminal") && text.contains("snapshot"), "{text}");
    assert!(output.stdout.is_empty());
}

/// A kubeconfig for a server that does not answer, whose user signs in with this shell script.
fn kubeconfig_with_plugin(home: &Path, script: &str) -> String {
    let path = home.join("kubeconfig");
    let text = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n\
         users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, \
         args: ['-c', '{script}']}}}}}}]\n"
    );
    std::fs::write(&path, text).expect("a kubeconfig");
    path.display().to_string()
}

/// Waits until a file has a line, and returns it.
fn line_of(path: &Path) -> String {
    for _ in 0..1000 {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if let Some(line) = text.lines().next() {
            return line.to_owned();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{} never had a line", path.display());
}

#[test]
fn a_credential_plugin_cannot_open_the_terminal() {
    let home = home();
    let script = "if ( : > /dev/tty ) 2> /dev/null; then echo opened > result; else echo none > result; fi; \
                  echo \"{status: {token: t}}\"";
    let config = kubeconfig_with_plugin(home.path(), script);
    let args = ["--kubeconfig", &config, "--no-aws"];
    let mut session = Session::start(env!("CARGO_BIN_EXE_batchtop"), &args, &[], home.path(), (100, 30));
    assert_eq!(line_of(&home.path().join("result")), "none");
    session.wait_for("cannot be reached");
    session.send("q");
    assert!(session.wait().0.success());
}

#[test]
fn a_missing_credential_plugin_is_named() {
    let home = home();
    let config = kubeconfig_with_plugin(home.path(), "");
    let text = std::fs::read_to_string(&config).expect("the kubeconfig").replace("/bin/sh", "no-such-plugin");
    std::fs::write(&config, text).expect("a kubeconfig");
    let output = commands::run(home.path(), &["snapshot", "--no-aws", "--kubeconfig", &config]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("the credential plugin \"no-such-plugin\" cannot be started: No such file"), "{words}");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn only_colours_that_the_terminal_shows_are_used() {
    const FULL: &str = "38;2;";
    // The sixteen are written by their numbers, too.
    let has_palette_of_256 = |written: &str| {
        let numbers = written.split("38;5;").skip(1).filter_map(|rest| rest.split(['m', ';']).next()?.parse().ok());
        numbers.max().is_some_and(|number: u8| number >= 16)
    };
    for (env, has_full, has_palette) in [
        (&[("COLORTERM", "truecolor")][..], true, false),
        (&[("TERM", "xterm-256color")], false, true),
        (&[("TERM", "xterm")], false, false),
    ] {
        let home = home();
        let mut session = demo_with(home.path(), env, (100, 30));
        session.wait_for("NODE");
        session.send("q");
        let (_, written) = session.wait();
        assert_eq!((written.contains(FULL), has_palette_of_256(&written)), (has_full, has_palette), "{env:?}");
    }
}

#[test]
fn a_terminal_that_cannot_place_text_is_refused() {
    let home = home();
    let (status, written) = demo_with(home.path(), &[("TERM", "dumb")], (80, 24)).wait();
    assert!(!status.success());
    assert!(written.contains("TERM is dumb") && written.contains("batchtop snapshot"), "{written:?}");
}
