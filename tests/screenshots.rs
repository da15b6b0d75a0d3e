//! The pictures of the README, made from the demo with a fixed clock, seed and version.
//!
//! `UPDATE_SCREENSHOTS=1 cargo test --test screenshots` makes them anew, as SVG and PNG; otherwise the SVG is compared.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use batchtop::app::{App, Msg, Settings, settle, update};
use batchtop::config::{self, Library, Theme};
use batchtop::fleet::Epoch;
use batchtop::input::Chord;
use batchtop::source::demo;
use batchtop::units::Time;
use batchtop::{ui, view};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use resvg::{tiny_skia, usvg};

/// 14:05 UTC on a Wednesday.
const NOW: &str = "2026-03-04T14:05:00Z";
const SEED: u64 = 7;
/// Pixels of the PNG per unit of the SVG.
const ZOOM: f32 = 1.5;

fn demo_app(size: (u16, u16)) -> App {
    let now = Time::parse(NOW).expect("a time");
    let (keymap, _) = config::keymap(&Library::embedded(), "default");
    let settings = Settings { keymap: keymap.keymap, demo: true, version: "0.0.0".into(), ..Settings::default() };
    let mut app = App::new(settings, now);
    for report in demo::once(SEED, now) {
        update(&mut app, Msg::Source(Epoch::default(), report));
    }
    update(&mut app, Msg::Resize { width: size.0, height: size.1 });
    clock(&mut app, now);
    update(&mut app, Msg::Frame);
    app
}

/// A second passes, and with it all work that it brings.
fn clock(app: &mut App, now: Time) {
    update(app, Msg::Clock(now));
    settle(app);
}

fn press(app: &mut App, keys: &str) {
    for key in keys.split_whitespace() {
        update(app, Msg::Key(key.parse::<Chord>().expect("a chord")));
    }
    update(app, Msg::Frame);
}

fn svg(app: &App) -> String {
    let (theme, problems) = Theme::load(&Library::embedded(), "dark");
    assert!(problems.is_empty(), "{problems:?}");
    let (width, height) = app.ui.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    ui::draw(&view::derive(app), &theme, &mut buffer);
    ui::svg(&buffer, &theme)
}

fn png(svg: &str) -> Vec<u8> {
    let mut options = usvg::Options::default();
    options.fontdb_mut().load_system_fonts();
    let tree = usvg::Tree::from_str(svg, &options).expect("a valid SVG");
    let size = tree.size().to_int_size().scale_by(ZOOM).expect("a size");
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).expect("a picture");
    resvg::render(&tree, tiny_skia::Transform::from_scale(ZOOM, ZOOM), &mut pixels.as_mut());
    pixels.encode_png().expect("a PNG")
}

fn compare(name: &str, app: &App) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let path = folder.join(format!("{name}.svg"));
    let svg = svg(app);
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        std::fs::write(&path, &svg).expect("written");
        std::fs::write(folder.join(format!("{name}.png")), png(&svg)).expect("written");
        return;
    }
    let committed = std::fs::read_to_string(&path).expect("the committed picture");
    assert!(
        committed == svg,
        "{} is not what the demo shows; UPDATE_SCREENSHOTS=1 cargo test --test screenshots makes it anew",
        path.display()
    );
}

#[test]
fn fleet() {
    compare("fleet", &demo_app((120, 34)));
}

#[test]
fn protect() {
    let mut app = demo_app((120, 34));
    press(&mut app, "2 / l r - s w e e p enter p");
    compare("protect", &app);
}

#[test]
fn cost() {
    let mut app = demo_app((120, 40));
    let began = app.now;
    // Ten minutes at the rates of the beginning.
    for second in (0..=600).step_by(10) {
        clock(&mut app, began.plus_seconds(second));
    }
    press(&mut app, "6 d");
    compare("cost", &app);
}
