//! The files that a user may write: those that are shipped keep every rule, and every mistake is told with its place.

#![allow(missing_docs, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use batchtop::app::mistakes_in_columns;
use batchtop::config::theme::{Colour, Style, ThemeKind};
use batchtop::config::{
    ColourDepth, Effective, Library, Origin, PriceFormat, Problem, Role, SETTINGS, Text, Theme, directory, keymap,
    parse_prices, parse_settings, read, setting,
};
use batchtop::fleet::{Adjustment, Discount, PartRates, RuleMatch, RuleRate, UserPrices};
use batchtop::input::{Action, Context};
use batchtop::insight::gpu::GpuThresholds;
use batchtop::insight::spot::SpotThresholds;
use batchtop::units::Time;
use proptest::prelude::*;

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The TOML files of a folder, by name.
fn files(folder: &str) -> BTreeMap<String, String> {
    files_of(folder, "toml")
}

fn files_of(folder: &str, extension: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(root(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let wanted = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    wanted
        .map(|path| {
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
            (name, fs::read_to_string(&path).expect("a text"))
        })
        .collect()
}

fn user(name: &str, text: &str) -> Text {
    Text { name: name.to_owned(), file: format!("{name}.toml"), text: text.to_owned(), origin: Origin::User }
}

fn prices(extension: &str, text: &str) -> Result<UserPrices, Vec<Problem>> {
    let file = format!("prices.{extension}");
    parse_prices(PriceFormat::from_path(Path::new(&file)), &file, text)
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn snapshot(name: &str, problems: &[Problem]) {
    assert!(!problems.is_empty(), "{name} is said to be valid");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, told(problems));
    });
}

#[test]
fn embedded_themes_and_keymaps_equal_the_files_of_their_folders() {
    let library = Library::embedded();
    let names = |texts: &[Text]| texts.iter().map(|text| text.name.clone()).collect::<BTreeSet<_>>();
    assert_eq!(names(&library.themes), files("themes").into_keys().collect());
    assert_eq!(names(&library.keymaps), files("keymaps").into_keys().collect());
}

fn themes() -> Vec<Theme> {
    let library = Library::embedded();
    let load = |text: &Text| {
        let (theme, problems) = Theme::load(&library, &text.name);
        assert_eq!(told(&problems), "", "{}", text.name);
        theme
    };
    library.themes.iter().map(load).collect()
}

#[test]
fn every_theme_is_valid_and_styles_every_role() {
    for theme in themes() {
        assert_eq!(theme.missing().count(), 0, "{}", theme.name);
    }
}

/// At 24 bits and at 256 colours, on the background and on selected and marked rows; with high contrast all text has 7.
#[test]
fn text_has_enough_contrast_to_its_background() {
    let at_depths = |theme: Theme| [ColourDepth::Full, ColourDepth::Palette].map(|depth| theme.clone().at(depth));
    let coloured = themes().into_iter().filter(|theme| matches!(theme.kind, ThemeKind::Dark | ThemeKind::Light));
    for theme in coloured.flat_map(at_depths) {
        let (fg, bg) = (theme.style(Role::Text).fg.expect("a colour"), theme.style(Role::Text).bg.expect("a colour"));
        let overlays = [Role::RowSelected, Role::RowMarked].map(|role| theme.style(role).bg);
        for role in Role::ALL {
            let Some(least) = role.least_contrast() else { continue };
            let wanted = if theme.name == "high-contrast" { 7.0 } else { least };
            let style = theme.style(*role);
            let text = style.fg.unwrap_or(fg);
            let mut grounds = vec![style.bg.unwrap_or(bg)];
            grounds.extend(style.bg.is_none().then_some(overlays).into_iter().flatten().flatten());
            for ground in grounds {
                let contrast = text.contrast(ground);
                assert!(contrast >= wanted, "{}: {} has {contrast:.2} on {ground}", theme.name, role.name());
            }
        }
    }
}

/// How colours look to those who lack one of the three cones: Machado, Oliveira and Fernandes 2009, severity 1.
const CONE_LOSSES: [(&str, [[f64; 3]; 3]); 3] = [
    (
        "protanopia",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "deuteranopia",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        "tritanopia",
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

/// CIELAB of a colour as it looks with a loss of cones.
fn lab(colour: Colour, loss: &[[f64; 3]; 3]) -> [f64; 3] {
    let (red, green, blue) = colour.rgb();
    let linear = [red, green, blue].map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let times = |row: &[f64; 3], of: &[f64; 3]| row.iter().zip(of).map(|(a, b)| a * b).sum::<f64>();
    let seen = loss.map(|row| times(&row, &linear).clamp(0.0, 1.0));
    let xyz =
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]].map(|row| times(&row, &seen));
    let root = |value: f64| if value > 0.008_856 { value.cbrt() } else { 7.787 * value + 16.0 / 116.0 };
    let [x, y, z] = [root(xyz[0] / 0.950_47), root(xyz[1]), root(xyz[2] / 1.088_83)];
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The nearest two of the colours that tell states apart, with how far apart they look.
fn nearest_states(theme: &Theme, loss: &[[f64; 3]; 3]) -> (f64, Role, Role) {
    const STATES: [Role; 6] = [Role::Ok, Role::Warn, Role::Bad, Role::Info, Role::Protected, Role::Terminating];
    let seen = |role: Role| lab(theme.style(role).fg.expect("a colour"), loss);
    let distance = |a: Role, b: Role| seen(a).iter().zip(seen(b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let pairs =
        STATES.iter().enumerate().flat_map(|(at, a)| STATES[..at].iter().map(move |b| (distance(*a, *b), *a, *b)));
    pairs.min_by(|a, b| a.0.total_cmp(&b.0)).expect("pairs")
}

/// Ten is what is seen at a glance; two that differ by less than that in the default theme are what this one is for.
#[test]
fn colours_of_the_colour_blind_theme_stay_apart_without_one_of_the_cones() {
    const AT_A_GLANCE: f64 = 10.0;
    let library = Library::embedded();
    let theme = |name| Theme::load(&library, name).0;
    for (name, loss) in CONE_LOSSES {
        let (distance, a, b) = nearest_states(&theme("colour-blind"), &loss);
        assert!(distance >= AT_A_GLANCE, "{name}: {} and {} look {distance:.1} apart", a.name(), b.name());
    }
    let of_default = CONE_LOSSES.map(|(_, loss)| nearest_states(&theme("dark"), &loss).0);
    assert!(of_default.into_iter().any(|distance| distance < AT_A_GLANCE), "{of_default:?}: the check finds nothing");
}

#[test]
fn ansi16_themes_use_only_named_colours_and_mono_themes_none() {
    for theme in themes() {
        for role in Role::ALL {
            let Style { fg, bg, .. } = theme.style(*role);
            for colour in [fg, bg].into_iter().flatten() {
                match theme.kind {
                    ThemeKind::Mono => panic!("{} colours {}", theme.name, role.name()),
                    ThemeKind::Ansi16 => assert!(matches!(colour, Colour::Named(_)), "{} {}", theme.name, role.name()),
                    ThemeKind::Dark | ThemeKind::Light => {}
                }
            }
        }
    }
}

/// What only a style says (which row is selected, which tab is shown) has a style of its own in every theme.
#[test]
fn selected_rows_tabs_and_choices_have_their_own_style_in_every_theme() {
    const APART: [(Role, Role); 4] = [
        (Role::RowSelected, Role::Text),
        (Role::RowSelected, Role::RowMarked),
        (Role::TabActive, Role::Tab),
        (Role::Choice, Role::Text),
    ];
    for theme in themes() {
        for (one, other) in APART {
            assert_ne!(theme.style(one), theme.style(other), "{}: {} {}", theme.name, one.name(), other.name());
        }
    }
}

#[test]
fn every_keymap_is_valid_and_every_action_has_a_key_or_is_listed() {
    let library = Library::embedded();
    for text in &library.keymaps {
        let (loaded, problems) = keymap(&library, &text.name);
        assert_eq!(told(&problems), "", "{}", text.name);
        for action in Action::ALL {
            let has_key = Context::ALL.iter().any(|context| loaded.keymap.keys_of(*context, *action).is_some());
            assert_ne!(has_key, loaded.unbound.contains(action), "{} {}", text.name, action.name());
        }
    }
}

#[test]
fn every_mistake_in_a_theme_is_reported() {
    for (name, text) in files("tests/invalid_themes") {
        let mut library = Library::embedded();
        library.themes.push(user(&name, &text));
        snapshot(&format!("invalid_theme_{name}"), &Theme::load(&library, &name).1);
    }
}

#[test]
fn every_mistake_in_a_keymap_is_reported() {
    for (name, text) in files("tests/invalid_keymaps") {
        let mut library = Library::embedded();
        library.keymaps.push(user(&name, &text));
        snapshot(&format!("invalid_keymap_{name}"), &keymap(&library, &name).1);
    }
}

#[test]
fn every_mistake_in_the_settings_is_reported() {
    for (name, text) in files("tests/invalid_config") {
        snapshot(&format!("invalid_config_{name}"), &mistakes(&text));
    }
}

/// What is wrong with a `config.toml`, in its order.
fn mistakes(text: &str) -> Vec<Problem> {
    let (settings, mut problems) = parse_settings("config.toml", text);
    problems.extend(mistakes_in_columns(&settings));
    problems.sort();
    problems
}

#[test]
fn every_mistake_in_a_price_file_is_reported() {
    for extension in ["toml", "csv"] {
        for (name, text) in files_of("tests/invalid_prices", extension) {
            let problems = prices(extension, &text).expect_err(&name);
            snapshot(&format!("invalid_prices_{extension}_{name}"), &problems);
        }
    }
}

#[test]
fn an_unknown_theme_or_keymap_is_reported_with_the_allowed_names() {
    let library = Library::embedded();
    assert_eq!(
        told(&Theme::load(&library, "drak").1),
        "theme drak: no such theme: \"drak\"; did you mean \"dark\"? allowed: catppuccin-mocha, colour-blind, dark, \
         high-contrast, light, monochrome, terminal, tokyo-night"
    );
    assert_eq!(
        told(&keymap(&library, "emcas").1),
        "keymap emcas: no such keymap: \"emcas\"; did you mean \"emacs\"? allowed: default, emacs, vim"
    );
}

#[test]
fn circular_theme_inheritance_is_reported_once() {
    let mut library = Library::embedded();
    library.themes.push(user("a", "inherits = \"b\""));
    library.themes.push(user("b", "inherits = \"a\""));
    let (theme, problems) = Theme::load(&library, "a");
    assert_eq!(theme.missing().count(), 0);
    assert_eq!(
        problems.iter().filter(|problem| problem.message.contains("circular inheritance: a → b → a")).count(),
        1
    );
}

/// A mistake costs what it is in and nothing else.
#[test]
fn a_user_theme_overrides_the_embedded_theme_of_its_name() {
    let mut library = Library::embedded();
    let text = "[palette]\ngreen = \"#00ff00\"\n[styles]\nwarn = { fg = \"red\", bold = true }\nbad = \"nope\"\n";
    library.themes.push(user("dark", text));
    let (theme, problems) = Theme::load(&library, "dark");
    assert_eq!(problems.len(), 1, "{}", told(&problems));
    assert_eq!(theme.style(Role::Ok).fg, Some(Colour::Rgb(0, 255, 0)));
    assert_eq!(theme.style(Role::Warn).fg, Some(Colour::Rgb(0xf2, 0x77, 0x7a)));
    assert_eq!(theme.missing().count(), 0);
    let inheriting = format!("inherits = \"dark\"\n{text}");
    library.themes.last_mut().expect("a theme").text = inheriting;
    assert_eq!(Theme::load(&library, "dark").0, theme);
}

#[test]
fn a_user_keymap_binds_and_unbinds_keys() {
    let mut library = Library::embedded();
    let text = "unbound = [\"help\"]\n[[unbind]]\non = \"?\"\nin = [\"table\", \"text\"]\n\
                [[bind]]\non = \"x x\"\nrun = \"protect\"\nin = \"table\"\n";
    library.keymaps.push(user("default", text));
    let (loaded, problems) = keymap(&library, "default");
    assert_eq!(told(&problems), "");
    let keys: Vec<_> = loaded.keymap.bindings().iter().filter(|binding| binding.action == Action::Protect).collect();
    assert_eq!(keys.len(), 3);
    assert!(loaded.keymap.bindings().iter().all(|binding| binding.action != Action::Help));
}

#[test]
fn a_keymap_may_use_the_former_name_of_an_action() {
    let mut library = Library::embedded();
    library.keymaps.push(user("default", "[[bind]]\non = \"x x\"\nrun = \"claims\"\nin = \"table\"\n"));
    let (loaded, problems) = keymap(&library, "default");
    assert_eq!(told(&problems), "");
    assert_eq!(loaded.keymap.bindings().iter().filter(|binding| binding.action == Action::Pools).count(), 3);
}

#[test]
fn settings_are_read() {
    let text = "theme = \"light\"\nkeymap = \"mine\"\nnamespaces = [\"ml\", \"vision\"]\nreadonly = true\n\
                karpenter_version = \"1.14.1\"\nmouse = false\nprices = \"ours.csv\"\naws = false\n";
    let settings = in_force(text);
    assert_eq!(settings.text(&setting::THEME), Some("light"));
    assert_eq!(settings.names(&setting::NAMESPACES), ["ml", "vision"]);
    assert!(settings.is_on(&setting::READONLY) && !settings.is_on(&setting::MOUSE) && !settings.is_on(&setting::AWS));
    assert_eq!(settings.text(&setting::KARPENTER_VERSION), Some("1.14.1"));
    let prices = settings.named_file(&setting::PRICES).map(|(path, place)| (path, place.to_string()));
    assert_eq!(prices, Some(("ours.csv", "config.toml:7:10".to_owned())));
    let gpu = in_force("[gpu]\nbusyPercent = 3\nparkedMemoryPercent = 20\ngrace = \"1h30m\"\ndwell = \"0s\"\n");
    let percents = [&setting::GPU_BUSY_PERCENT, &setting::GPU_PARKED_MEMORY_PERCENT].map(|of| gpu.percent(of));
    assert_eq!(percents, [Some(3), Some(20)]);
    let seconds = [&setting::GPU_GRACE, &setting::GPU_DWELL].map(|of| gpu.seconds(of));
    assert_eq!(seconds, [Some(5_400), Some(0)]);
    let address = "https:monitoring/prometheus-k8s:web";
    let prometheus = in_force(&format!("[prometheus]\nenabled = false\nservice = \"{address}\"\n"));
    assert!(!prometheus.is_on(&setting::PROMETHEUS_ENABLED));
    assert_eq!(prometheus.service(&setting::PROMETHEUS_SERVICE), address.parse().ok());
    let spot = "[spot]\nhighRisk = 60\nleastCoveragePercent = 10\nhalfLife = \"72h\"\nadvisor = \"advisor.json\"\n\
                placementScores = true\nplacementConfigurations = 10\n";
    let spot = in_force(spot);
    assert!(spot.is_on(&setting::SPOT_PLACEMENT_SCORES));
    assert_eq!(spot.count(&setting::SPOT_PLACEMENT_CONFIGURATIONS), Some(10));
    let percents = [&setting::SPOT_HIGH_RISK, &setting::SPOT_LEAST_COVERAGE_PERCENT].map(|of| spot.percent(of));
    assert_eq!((percents, spot.seconds(&setting::SPOT_HALF_LIFE)), ([Some(60), Some(10)], Some(259_200)));
    assert_eq!(spot.text(&setting::SPOT_ADVISOR), Some("advisor.json"));
    assert_eq!(parse_settings("config.toml", ""), Default::default());
}

/// The settings in force with this file alone, which is without mistakes.
fn in_force(text: &str) -> Effective {
    let (settings, problems) = parse_settings("config.toml", text);
    assert_eq!(told(&problems), "");
    Effective::of(&settings, "")
}

#[test]
fn settings_of_a_context_come_before_those_for_all() {
    let text = "theme = \"light\"\n[gpu]\ngrace = \"5m\"\n[context.prod-ml]\ntheme = \"dark\"\n\
                [context.\"prod-*\"]\ntheme = \"monochrome\"\nreadonly = true\n[context.\"prod-*\".gpu]\ngrace = \"1m\"\n\
                [context.\"arn:aws:eks:us-east-1:1:cluster/x\"]\nprices = \"x.toml\"\n";
    let (settings, problems) = parse_settings("config.toml", text);
    assert_eq!(told(&problems), "");
    let in_context = |name: &str| {
        let effective = Effective::of(&settings, name);
        let theme = effective.text(&setting::THEME).expect("a theme").to_owned();
        let origin = effective.get(&setting::THEME).expect("a theme").1.to_string();
        (theme, origin, effective.is_on(&setting::READONLY), effective.seconds(&setting::GPU_GRACE))
    };
    let told = |theme: &str, origin: &str, readonly, seconds| (theme.into(), origin.into(), readonly, Some(seconds));
    assert_eq!(in_context("prod-ml"), told("dark", "config.toml:5, context prod-ml", true, 60));
    assert_eq!(in_context("prod-eu"), told("monochrome", "config.toml:7, context prod-*", true, 60));
    assert_eq!(in_context("dev"), told("light", "config.toml:1", false, 300));
    let effective = Effective::of(&settings, "arn:aws:eks:us-east-1:1:cluster/x");
    let prices = effective.named_file(&setting::PRICES).map(|(path, place)| (path, place.to_string()));
    assert_eq!(prices, Some(("x.toml", "config.toml:12:10".to_owned())));
}

#[test]
fn defaults_of_settings_are_those_of_the_insights() {
    let settings = in_force("");
    let gpu = GpuThresholds::default();
    let percents = [&setting::GPU_BUSY_PERCENT, &setting::GPU_PARKED_MEMORY_PERCENT].map(|of| settings.percent(of));
    let wanted = [gpu.busy, gpu.parked_memory].map(|of| Some(of.whole_percent()));
    assert_eq!(percents, wanted);
    let seconds = [&setting::GPU_GRACE, &setting::GPU_DWELL, &setting::SPOT_HALF_LIFE].map(|of| settings.seconds(of));
    let spot = SpotThresholds::DEFAULT;
    assert_eq!(seconds, [gpu.grace_seconds, gpu.dwell_seconds, spot.half_life_seconds].map(Some));
    let percents = [&setting::SPOT_HIGH_RISK, &setting::SPOT_LEAST_COVERAGE_PERCENT].map(|of| settings.percent(of));
    assert_eq!(percents, [spot.high_risk, spot.least_coverage_percent].map(|of| Some(u32::from(of))));
    assert_eq!(settings.text(&setting::THEME), Some(batchtop::config::theme::DEFAULT));
    assert_eq!(settings.text(&setting::KEYMAP), Some(batchtop::config::DEFAULT_KEYMAP));
}

/// One that has no default says what follows from that.
#[test]
fn every_setting_has_a_default_that_can_be_read_or_says_what_holds_without_it() {
    let mut keys = BTreeSet::new();
    for setting in SETTINGS {
        assert!(keys.insert(setting.key) && setting.key.matches('.').count() <= 1, "{setting:?}");
        assert_eq!(setting.default.is_some(), setting.default_value().is_some(), "{setting:?}");
        assert_ne!(setting.default.is_some(), !setting.without.is_empty(), "{setting:?}");
        assert!(!setting.help.is_empty() && !setting.help.ends_with('.'), "{setting:?}");
    }
}

fn config_schema() -> serde_json::Value {
    batchtop::config::schema(&batchtop::app::column_names)
}

#[test]
fn the_committed_schema_of_the_settings_equals_the_generated_one() {
    let path = root("src/config/config.schema.json");
    let generated = format!("{}\n", serde_json::to_string_pretty(&config_schema()).expect("JSON"));
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &generated).expect("a writable schema");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, generated, "UPDATE_SCHEMA=1 cargo test --test config schema writes it anew");
}

#[test]
fn the_schema_describes_every_setting_and_accepts_its_default() {
    let schema = config_schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for setting in SETTINGS {
        let (table, key) = setting.parts();
        let at = if table.is_empty() {
            format!("/properties/{key}")
        } else {
            format!("/properties/{table}/properties/{key}")
        };
        let described = schema.pointer(&at).unwrap_or_else(|| panic!("{at} is missing"));
        assert!(described["description"].as_str().is_some_and(|text| text.starts_with(setting.help)), "{at}");
        let Some(default) = described.get("default") else { continue };
        let document = if table.is_empty() {
            serde_json::json!({ key: default })
        } else {
            serde_json::json!({ table: { key: default } })
        };
        assert!(validator.is_valid(&document), "{document}");
    }
}

/// A file that the program takes, as JSON.
fn as_json(text: &str) -> serde_json::Value {
    serde_json::to_value(text.parse::<toml::Table>().expect("TOML")).expect("JSON")
}

/// Every mistake of the invalid files that the program finds line by line, the schema finds as well.
#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let validator = jsonschema::validator_for(&config_schema()).expect("a schema");
    let mut refused = 0;
    for (name, text) in files("tests/invalid_config").iter().filter(|(name, _)| *name != "syntax") {
        let (mut table, mut alone) = (String::new(), Vec::new());
        for line in text.replace(",\n", ",").replace("[\n", "[").lines().filter(|line| !line.is_empty()) {
            match line.strip_prefix('[') {
                Some(_) => table = format!("{line}\n"),
                None => alone.push(format!("{table}{line}\n")),
            }
        }
        for text in alone {
            let is_refused = !mistakes(&text).is_empty();
            // To a schema a duration is a text, however short it is, and so are the keys of many labels.
            let is_valid =
                validator.is_valid(&as_json(&text)) && !text.contains("\"59m\"") && !text.contains("label:i");
            assert_eq!(is_refused, !is_valid, "{name}: {text}");
            refused += usize::from(is_refused);
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn the_configuration_directory_is_read() {
    let folder = tempfile::tempdir().expect("a directory");
    assert_eq!(read(folder.path()).problems, []);
    fs::write(folder.path().join("config.toml"), "theme = \"mine\"").expect("written");
    fs::create_dir(folder.path().join("themes")).expect("made");
    fs::write(folder.path().join("themes/mine.toml"), "inherits = \"light\"").expect("written");
    fs::write(folder.path().join("themes/notes.txt"), "no theme").expect("written");
    fs::write(folder.path().join("themes/broken.toml"), [0xff, 0xfe]).expect("written");
    let files = read(folder.path());
    assert_eq!(files.settings.map(|(_, text)| text).as_deref(), Some("theme = \"mine\""));
    assert_eq!(files.problems.len(), 1, "{}", told(&files.problems));
    let (theme, problems) = Theme::load(&files.library, "mine");
    assert_eq!((theme.kind, told(&problems)), (ThemeKind::Light, String::new()));
    assert!(directory().is_none_or(|path| path.ends_with("batchtop")));
}

/// Everything a price file may say.
const PRICES: &str = r#"
version = 1
currency = "USD"
as_of = 2026-11-01
max_age_days = 30
[discount]
on_demand = 0.18
spot = "0.05"
[cluster]
control_plane_per_hour = 0.10
auto_mode_fee_ratio = 0.12
[[rule]]
match = { cloud = "gcp", region = "us-*", zone = "us-central1-a", instance = "a2-highgpu-1g", capacity = "spot" }
per_hour = 1
includes_gpu = false
per_gpu_hour = "1.10"
[[rule]]
match = { label = "team.example/tier=on*", pool = "gpu" }
per_gpu_hour = 1.10
per_gib_hour = 0.002
[[rule]]
weight = 100
match = { instance = "p5.48xlarge" }
per_hour = 21.957642
note = "3y SP"
[[rule]]
match = {}
adjust = "-15%"
[[node]]
name = "gpu-node-17"
per_hour = 0.0
"#;

const SHEET: &str = "\u{feff}# as_of: 2026-11-01,,,,,,,,\r\n\
    note,cloud,region,zone,instance_type,capacity,per_hour,includes_gpu,per_gpu_hour\r\n\
    \"3 years, \"\"all\"\" upfront\",aws,us-east-1,,p5.48xlarge,reserved,0,,\r\n\
    # a comment\r\n,,,,,,,,\r\n\
    ,,,, g5.* ,on-demand,1.5,FALSE,0.25\r\n";

#[test]
fn a_price_file_is_read() {
    let prices = prices("toml", PRICES).expect("prices");
    assert_eq!((prices.file.as_str(), prices.max_age_days), ("prices.toml", 30));
    assert_eq!(Some(prices.as_of), Time::parse("2026-11-01T00:00:00Z"));
    let discount = Discount { on_demand_millionths: 180_000, spot_millionths: 50_000, auto_mode_fee_millionths: 0 };
    assert_eq!(prices.discount, discount);
    assert_eq!(prices.control_plane_micro_usd_per_hour, Some(100_000));
    assert_eq!(prices.auto_mode_fee_millionths, Some(120_000));
    let rates: Vec<(RuleRate, usize)> = prices.rules.iter().map(|rule| (rule.rate, rule.line)).collect();
    let parts = |node, gpu, gib| RuleRate::Parts(PartRates { node, gpu, vcpu: 0, gib });
    let wanted = [
        (RuleRate::PerHour(21_957_642), 21),
        (parts(1_000_000, 1_100_000, 0), 12),
        (parts(0, 1_100_000, 2_000), 17),
        (RuleRate::Adjust(Adjustment::Millionths(-150_000)), 26),
    ];
    assert_eq!(rates, wanted, "the heaviest first, then in the order of the file");
    let label = prices.rules[2].matches.label.as_ref().map(|(key, value)| (key.as_str(), value.as_str()));
    assert_eq!(label, Some(("team.example/tier", "on*")));
    let node = &prices.nodes["gpu-node-17"];
    assert_eq!((node.micro_usd_per_hour, node.line), (0, 29));
    assert_eq!(prices.rules[3].matches, RuleMatch::default());
}

#[test]
fn optional_settings_of_a_price_file_have_defaults() {
    let prices = prices("toml", "version = 1\nas_of = \"2026-11-01\"").expect("prices");
    assert_eq!((prices.max_age_days, prices.discount), (45, Discount::default()));
    assert_eq!((prices.rules.len(), prices.nodes.len()), (0, 0));
    assert_eq!((prices.control_plane_micro_usd_per_hour, prices.auto_mode_fee_millionths), (None, None));
}

#[test]
fn a_price_file_from_a_spreadsheet_is_read() {
    let prices = prices("csv", SHEET).expect("prices");
    assert_eq!(Some(prices.as_of), Time::parse("2026-11-01T00:00:00Z"));
    let [first, second] = prices.rules.as_slice() else { panic!("{:?}", prices.rules) };
    assert_eq!((first.rate, first.line), (RuleRate::PerHour(0), 3));
    assert_eq!(first.note.as_deref(), Some("3 years, \"all\" upfront"));
    assert_eq!(first.matches.zone, None);
    assert_eq!((second.matches.instance.as_deref(), second.line), (Some("g5.*"), 6));
    let parts = PartRates { node: 1_500_000, gpu: 250_000, ..PartRates::default() };
    assert_eq!(second.rate, RuleRate::Parts(parts));
}

/// A text in which bytes were replaced, put in and taken out.
fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0..12_usize, "[\\PC\n\r\t\"'=,\\[\\]{}#.0-9e+-]{0,4}");
    prop::collection::vec(edit, 0..8).prop_map(move |edits| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, taken, put) in edits {
            let from = at.index(chars.len() + 1);
            let to = (from + taken).min(chars.len());
            chars.splice(from..to, put.chars());
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn reading_a_price_file_never_panics(toml in mutated(PRICES), csv in mutated(SHEET)) {
        for (extension, text) in [("toml", toml), ("csv", csv)] {
            match prices(extension, &text) {
                Ok(prices) => prop_assert!(prices.rules.iter().all(|rule| rule.line > 0 && rule.line <= text.lines().count())),
                Err(problems) => prop_assert!(!problems.is_empty()),
            }
        }
    }
}

#[test]
fn rules_of_a_long_price_file_are_numbered_by_their_lines() {
    const RULES: usize = 20_000;
    let head = "version = 1\nas_of = 2026-11-01\n";
    let rules: String = (0..RULES)
        .fold(String::new(), |text, at| text + &format!("[[rule]]\nmatch = {{pool = \"p{at}\"}}\nper_hour = 1\n"));
    let read = prices("toml", &format!("{head}{rules}")).expect("no mistake");
    assert!(read.rules.iter().enumerate().all(|(at, rule)| rule.line == 3 + 3 * at) && read.rules.len() == RULES);
    let inline = vec!["{match = {}, per_hour = 1}"; RULES].join(", ");
    let read = prices("toml", &format!("{head}rule = [{inline}]\n")).expect("no mistake");
    assert!(read.rules.iter().all(|rule| rule.line == 3) && read.rules.len() == RULES);
    let head =
        "# as_of: 2026-11-01\ncloud,region,zone,instance_type,capacity,per_hour,includes_gpu,per_gpu_hour,note\n";
    let rows = "aws,,,m5.large,,1,,,\n\n".repeat(RULES);
    let read = prices("csv", &format!("{head}{rows}")).expect("no mistake");
    assert!(read.rules.iter().enumerate().all(|(at, rule)| rule.line == 3 + 2 * at) && read.rules.len() == RULES);
}

#[test]
fn mistakes_beyond_the_first_thousand_are_summarised() {
    let text = (0..5_000).fold(String::new(), |text, at| text + &format!("unknown{at} = 1\n"));
    let (_, problems) = parse_settings("config.toml", &text);
    assert_eq!(problems.len(), 1_001);
    assert!(problems.iter().any(|problem| problem.message.contains("has more mistakes")), "{}", problems[0]);
}
