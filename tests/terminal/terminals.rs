//! Terminals of many kinds, what they send, and what they tell of themselves.

use std::path::Path;
use std::time::Duration;

use super::{assert_restored, demo, demo_with, home};
use crate::pty::Session;

const BATCHTOP: &str = env!("CARGO_BIN_EXE_batchtop");

/// The question for the colour of the background.
const QUESTION: &str = "\u{1b}]11;?";

/// Whether they show 256 colours, and so may be asked for their background.
const TERMS: [(&str, bool); 7] = [
    ("xterm-256color", true),
    ("screen-256color", true),
    ("tmux-256color", true),
    ("xterm", false),
    ("screen", false),
    ("tmux", false),
    ("linux", false),
];

#[test]
fn every_terminal_gets_a_screen_it_can_show_and_is_restored() {
    for (term, is_asked) in TERMS {
        let home = home();
        let mut session = demo_with(home.path(), &[("TERM", term)], (80, 24));
        session.wait_for("NODE");
        session.wait_for("live");
        session.send("3");
        let screen = session.wait_for("PROTECTION");
        assert!(!screen.contains("11;?"), "{term}: {screen}");
        session.send("q");
        let (status, written) = session.wait();
        assert!(status.success(), "{term}");
        assert_eq!(written.contains(QUESTION), is_asked, "{term}");
        assert_restored(&written);
    }
}

#[test]
fn a_dumb_terminal_is_refused_without_a_single_escape_sequence() {
    let home = home();
    let session = Session::start(BATCHTOP, &["--demo"], &[("TERM", "dumb")], home.path(), (80, 24));
    let (status, written) = session.wait();
    assert_eq!(status.exit_code(), 2);
    assert!(written.contains("TERM is dumb") && written.contains("batchtop snapshot"), "{written}");
    assert!(!written.contains('\u{1b}'), "{written:?}");
}

#[test]
fn a_storm_of_sizes_leaves_the_screen_of_the_last_one() {
    for term in ["xterm-256color", "linux"] {
        let home = home();
        let mut session = demo_with(home.path(), &[("TERM", term)], (120, 40));
        session.wait_for("live");
        for step in 0..300_u16 {
            session.resize((1 + step * 37 % 251, 1 + step * 17 % 71));
            if step % 10 == 0 {
                session.send("j");
            }
        }
        session.resize((100, 30));
        session.wait_until("the last size", |screen| {
            screen.contains("NODE") && screen.contains("live") && screen.lines().all(|line| line.chars().count() <= 100)
        });
        session.send("q");
        let (status, written) = session.wait();
        assert!(status.success(), "{term}");
        assert_restored(&written);
    }
}

/// As a terminal sends it after it was asked to mark pasted text.
fn pasted(text: &str) -> String {
    format!("\u{1b}[200~{text}\u{1b}[201~")
}

#[test]
fn a_pasted_megabyte_is_cut_and_does_nothing_elsewhere() {
    let home = home();
    let mut session = demo(home.path(), (100, 30));
    session.wait_for("live");
    let megabyte = "q\u{7}\n".repeat(350_000);
    session.send(&pasted(&megabyte));
    session.send("3");
    session.wait_for("PROTECTION");
    session.send("/");
    session.send(&pasted(&"x".repeat(1 << 20)));
    session.wait_for("xxxxxxxxxx");
    session.send("\u{1b}");
    session.wait_for("ingress");
    session.send("1");
    session.wait_for("TYPE");
    session.send("q");
    let (status, written) = session.wait();
    assert!(status.success());
    assert_restored(&written);
}

/// A press of the left button and its release, as SGR 1006 writes them; columns and rows from 1.
fn click(column: u32, row: u32) -> String {
    format!("\u{1b}[<0;{column};{row}M\u{1b}[<0;{column};{row}m")
}

#[test]
fn clicks_and_the_wheel_are_used_wherever_they_claim_to_be() {
    let home = home();
    let mut session = demo(home.path(), (120, 40));
    session.wait_for("live");
    for (column, row) in [(1, 1), (120, 40), (500, 500), (65_535, 65_535)] {
        session.send(&click(column, row));
    }
    // The wheel, the right button, movement with a button, and a press in the old form.
    session.send(&"\u{1b}[<65;10;10M".repeat(50));
    session.send("\u{1b}[<64;10;10M\u{1b}[<2;5;5M\u{1b}[<35;5;5M\u{1b}[M !!");
    let tabs = session.wait_for("NODE");
    let line = tabs.lines().position(|line| line.contains("Jobs")).expect("the tabs");
    let column = tabs.lines().nth(line).and_then(|line| line.find("Jobs")).expect("a tab");
    let at = |number: usize| u32::try_from(number + 1).expect("a cell");
    session.send(&click(at(column), at(line)));
    session.wait_for("PROGRESS");
    session.send("q");
    assert!(session.wait().0.success());
}

/// What terminals send that batchtop has not asked for: reports, other encodings of keys, focus, and what is no sequence. Not the
/// answers to questions about modes (`CSI ? … y`): crossterm takes all that follows for a part of them until a `c` or `u` comes, so
/// nothing may ask for them.
#[test]
fn sequences_that_nobody_asked_for_do_nothing() {
    let home = home();
    let mut session = demo(home.path(), (120, 40));
    session.wait_for("live");
    for sequence in [
        "\u{1b}[?62;22c",
        "\u{1b}[24;80R",
        "\u{1b}[I\u{1b}[O",
        "\u{1b}[57358;1u",
        "\u{1b}[99;99;99;99Z",
        "\u{1b}[99999999999999999999A",
    ] {
        session.send(sequence);
        std::thread::sleep(Duration::from_millis(30));
    }
    session.send("3");
    session.wait_for("PROTECTION");
    session.send("1");
    session.wait_for("TYPE");
    session.send("q");
    let (status, written) = session.wait();
    assert!(status.success());
    assert_restored(&written);
}

const TRUE_COLOURS: (&str, &str) = ("COLORTERM", "truecolor");

/// Backgrounds of the themes `dark` and `light`.
const DARK: [u8; 3] = [0x16, 0x18, 0x1d];
const LIGHT: [u8; 3] = [0xfb, 0xfa, 0xf7];

/// Waits until the question is asked, and answers it.
fn answer(session: &mut Session, keys_around: (&str, &str), colour: &str) {
    session.wait_until("the question", |_| session.written().contains(QUESTION));
    session.send(&format!("{}\u{1b}]11;{colour}\u{1b}\\{}", keys_around.0, keys_around.1));
}

#[test]
fn a_light_background_gets_the_light_theme_and_no_key_is_lost() {
    let home = home();
    let mut session = demo_with(home.path(), &[TRUE_COLOURS], (100, 30));
    answer(&mut session, ("3:", "theme\r"), "rgb:ffff/ffff/ffff");
    session.wait_for("theme = \"light\" (background of the terminal)");
    session.wait_for("PROTECTION");
    session.wait_until("a light background", |_| session.background() == Some(LIGHT));
    session.send(":theme dark\r");
    session.wait_until("a dark background", |_| session.background() == Some(DARK));
    session.send("\u{3}");
    assert!(session.wait().0.success());
}

#[test]
fn a_dark_background_and_one_that_nobody_tells_keep_the_dark_theme() {
    for is_told in [true, false] {
        let home = home();
        let mut session = demo_with(home.path(), &[TRUE_COLOURS], (100, 30));
        session.wait_for("NODE");
        if is_told {
            answer(&mut session, ("", ""), "rgb:0000/0000/0000");
        }
        session.send("3");
        session.wait_for("PROTECTION");
        session.wait_for("live");
        assert_eq!(session.background(), Some(DARK));
        session.send("\u{3}");
        assert!(session.wait().0.success());
    }
}

#[test]
fn a_named_theme_is_used_whatever_the_background() {
    for args in [["--demo", "--theme", "tokyo-night"], ["--demo", "--theme", "dark"]] {
        let home = home();
        let mut session = Session::start(BATCHTOP, &args, &[TRUE_COLOURS], home.path(), (100, 30));
        session.wait_for("live");
        assert!(!session.written().contains(QUESTION), "{args:?}");
        session.send("q");
        assert!(session.wait().0.success());
    }
}

/// Writes a file below `~/.config/batchtop`.
fn configure(home: &Path, name: &str, text: &str) {
    let path = home.join(".config/batchtop").join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

#[test]
fn changed_files_are_put_in_force_and_mistakes_are_not() {
    let home = home();
    configure(home.path(), "config.toml", "theme = \"dark\"\n");
    let mut session = demo_with(home.path(), &[TRUE_COLOURS], (120, 40));
    session.wait_for("live");
    assert_eq!(session.background(), Some(DARK));
    let columns = "theme = \"light\"\naws = false\n[columns]\nfleet = [\"name\", \"label:karpenter.sh/nodepool\"]\n";
    configure(home.path(), "config.toml", columns);
    session.wait_for("the configuration was read anew: theme, columns.fleet; aws from the next connection on");
    session.wait_for("NODEPOOL");
    session.wait_until("a light background", |_| session.background() == Some(LIGHT));
    configure(home.path(), "config.toml", "theme = \"dark\"\n[columns]\nfleet = [\"nome\"]\n");
    session.wait_for("config.toml:3:10: columns.fleet: no such column: \"nome\"");
    assert_eq!(session.background(), Some(LIGHT), "the former settings stay in force");
    configure(home.path(), "themes/light.toml", "[palette]\nbackground = \"#ffffff\"\n");
    configure(home.path(), "config.toml", "theme = \"light\"\n");
    session.wait_until("the theme's new background", |_| session.background() == Some([0xff, 0xff, 0xff]));
    session.send(":theme dark\r");
    session.wait_for("theme = \"dark\" while batchtop runs");
    session.wait_until("a dark background", |_| session.background() == Some(DARK));
    configure(home.path(), "config.toml", "theme = \"light\"\nmouse = false\n");
    session.wait_for("the configuration was read anew: ");
    assert_eq!(session.background(), Some(DARK), "what was set for the session comes first");
    session.send("q");
    let (status, written) = session.wait();
    assert!(status.success());
    assert!(written.contains("\u{1b}[?1000l"), "the mouse was given back");
}

#[test]
fn settings_of_a_context_are_in_force_in_it() {
    let home = home();
    configure(home.path(), "config.toml", "theme = \"dark\"\n[context.demo]\ntheme = \"light\"\nreadonly = true\n");
    let mut session = demo_with(home.path(), &[TRUE_COLOURS], (120, 40));
    session.wait_for("live");
    session.wait_for("read-only");
    assert_eq!(session.background(), Some(LIGHT));
    session.send(":set theme\r");
    session.wait_for("theme = \"light\" (");
    session.wait_for("config.toml:3, context demo)");
    session.send("q");
    assert!(session.wait().0.success());
}

#[test]
fn themes_are_shown_in_their_colours_on_a_terminal_and_plainly_elsewhere() {
    let home = home();
    let run = |env: &[(&str, &str)]| Session::start(BATCHTOP, &["themes"], env, home.path(), (120, 40)).wait().1;
    let coloured = run(&[TRUE_COLOURS]);
    assert!(coloured.contains("48;2;22;24;29") && coloured.contains("48;2;251;250;247"), "{coloured:?}");
    assert!(coloured.contains("● running"), "{coloured:?}");
    for plain in [run(&[("NO_COLOR", "1")]), run(&[("TERM", "dumb")])] {
        assert!(!plain.contains('\u{1b}') && plain.contains("light              built in"), "{plain:?}");
    }
    let piped = super::commands::run(home.path(), &["themes"]);
    assert!(!String::from_utf8_lossy(&piped.stdout).contains('\u{1b}'));
}
