//! The first lines: where we are, how alive it is, what there is.

use super::context::FrameContext;
use super::layout::SPACIOUS_FROM;
use super::screen::{Area, Placed, Tab};
use super::{Line, cost, desk, format, health, money, text};
use crate::app::{self, Narrowing, Scope};
use crate::config::Role;
use crate::fleet::{HealthState, KarpenterApi, Kind, SourceId};
use crate::insight::disruption::{Pause, gates};
use crate::insight::gpu::GpuClass;
use crate::insight::karpenter::Provenance;

/// Context, namespaces, Karpenter's version, health, time, and what all of it costs.
pub(super) fn title(frame: &FrameContext<'_>, area: Area) -> Placed {
    let is_narrow = area.width < ROOMY_FROM;
    let [burn, since] = money::counter(frame);
    let with_since = burn.clone().and(Role::Text, if since.is_empty() { "" } else { "  " }).then(since);
    let course = cost::course(frame, COURSE_COLUMNS);
    let gap = if course.is_empty() { "" } else { " " };
    let with_course = with_since.clone().and(Role::Text, gap).then(course);
    let health = health::summary(frame);
    let karpenter = Line::of(Role::TextDim, karpenter(frame));
    let clock = Line::of(Role::TextDim, format!("{} UTC", format::clock(frame.app.now, frame.app.now)));
    let (full, short) = (place(frame, is_narrow, namespaces(frame)), place(frame, is_narrow, narrowed_to(frame)));
    // From the right edge on. The counter, its sum and health come before the names of all namespaces.
    let forms = [
        (&full, vec![&with_course, &health, &karpenter, &clock]),
        (&full, vec![&with_since, &health, &karpenter, &clock]),
        (&full, vec![&with_since, &health, &karpenter]),
        (&full, vec![&with_since, &health]),
        (&short, vec![&with_since, &health]),
        (&short, vec![&burn, &health]),
        (&short, vec![&health]),
    ];
    let room = usize::from(area.width).saturating_sub(1);
    let width = |left: &Line, right: &[&Line]| left.width() + right.iter().map(|part| part.width() + 3).sum::<usize>();
    let fitting = forms.iter().find(|(left, right)| width(left, right) <= room).unwrap_or(&forms[5]);
    Placed { area, line: apart(fitting.0.clone(), &fitting.1, area.width) }
}

/// Columns of the course of the burn.
const COURSE_COLUMNS: usize = 8;

/// Where we are, and how batchtop was started.
fn place(frame: &FrameContext<'_>, is_narrow: bool, namespaces: String) -> Line {
    let place = match frame.app.cluster.context.as_str() {
        "" => frame.app.cluster.server.as_str(),
        context => context,
    };
    let mut left = Line::of(Role::Header, " batchtop").and(Role::Text, "  ").and(Role::TextStrong, place);
    let pause = pause(frame, is_narrow);
    if is_narrow {
        left = left.then(pause.clone());
    }
    if !namespaces.is_empty() {
        left = left.and(Role::TextDim, " · ").and(Role::TextDim, namespaces);
    }
    for (flag, words) in [(frame.app.settings.demo, "  demo"), (frame.app.settings.readonly, "  read-only")] {
        if flag {
            left.push(Role::Info, words);
        }
    }
    if is_narrow { left } else { left.then(pause) }
}

/// The namespaces, unless they are all.
fn narrowed_to(frame: &FrameContext<'_>) -> String {
    let is_all = frame.app.scope.namespaces.iter().flatten().next().is_none() && frame.app.cluster.namespaces.is_none();
    if is_all { String::new() } else { namespaces(frame) }
}

/// Below this width the namespaces may be cut, and stand behind what must not be.
const ROOMY_FROM: u16 = 100;

fn pause(frame: &FrameContext<'_>, is_narrow: bool) -> Line {
    match is_paused(frame) {
        true if is_narrow => Line::of(Role::Warn, "  △ paused"),
        true => Line::of(Role::Warn, "  △ disruption paused"),
        false => Line::new(),
    }
}

/// As long as a launch may be a usual one, the gate calls no node paused; the header that said otherwise would contradict
/// every row below it.
const PAUSED_SECONDS: i64 = gates::USUAL_LAUNCH_SECONDS;

/// Whether Karpenter disrupts nothing of its own accord, by the rule of the gate; the findings say why.
fn is_paused(frame: &FrameContext<'_>) -> bool {
    frame.evaluator().pauses().any(|pause| match pause {
        Pause::Launching(claim) => frame.app.now.seconds_since(claim.meta.created) >= PAUSED_SECONDS,
        Pause::Unreadable(_) => true,
    })
}

/// The namespaces to which rows are narrowed.
pub(super) fn namespaces(frame: &FrameContext<'_>) -> String {
    let chosen: Vec<&str> = frame.app.scope.namespaces.iter().flatten().map(String::as_str).collect();
    match (chosen.as_slice(), &frame.app.cluster.namespaces) {
        ([], None) => "all namespaces".to_owned(),
        ([], Some(readable)) => format!("{} readable", format::plural(readable.len(), "namespace")),
        ([one], _) => (*one).to_owned(),
        ([one, two], _) => format!("{one}, {two}"),
        (many, _) => format!("{} namespaces", many.len()),
    }
}

fn karpenter(frame: &FrameContext<'_>) -> String {
    let karpenter = &frame.app.insights.karpenter;
    match (karpenter.api, &karpenter.version) {
        (KarpenterApi::Unknown, None) => format!("karpenter {}", format::NOT_YET),
        (KarpenterApi::Absent, None) => "no Karpenter".to_owned(),
        (KarpenterApi::V1Alpha5, _) => "karpenter v1alpha5".to_owned(),
        (KarpenterApi::V1Beta1, _) => "karpenter v1beta1".to_owned(),
        (_, Some(version)) if karpenter.how == Provenance::CrdSchema => format!("karpenter ≥ {version}"),
        (_, Some(version)) => format!("karpenter {version}"),
        (KarpenterApi::V1, None) if karpenter.auto_mode => "EKS Auto Mode".to_owned(),
        (KarpenterApi::V1, None) => format!("karpenter {}", format::UNKNOWN),
    }
}

/// `left`, then as many of `right` as fit, at the other end.
fn apart(left: Line, right: &[&Line], width: u16) -> Line {
    let room = usize::from(width).saturating_sub(1);
    let mut tail = Line::new();
    for part in right {
        let gap = if tail.is_empty() { "" } else { "   " };
        if tail.width() + gap.len() + part.width() + 2 > room {
            break;
        }
        tail = (*part).clone().and(Role::Text, gap).then(tail);
    }
    let left = left.cut(room.saturating_sub(tail.width() + 2));
    let gap = room.saturating_sub(left.width() + tail.width());
    left.and(Role::Text, " ".repeat(gap)).then(tail)
}

/// What there is, in numbers, and what of the money buys nothing.
pub(super) fn totals(frame: &FrameContext<'_>, area: Area) -> Placed {
    let facts = [
        (Worth::Desk, desk::fact(frame)),
        (Worth::Nodes, nodes(frame)),
        (Worth::Pods, pods(frame)),
        (Worth::Jobs, jobs(frame)),
        (Worth::Accelerators, gpus(frame)),
        (Worth::Protected, money::protected(frame)),
        (Worth::Held, money::held(frame)),
        (Worth::Unpriced, money::unpriced(frame)),
    ];
    let line = Line::plain(" ").then(fitted(&facts, usize::from(area.width).saturating_sub(2)));
    Placed { area, line: line.cut(usize::from(area.width)) }
}

/// A text in as few columns as possible, and what is worth saying behind it where there is room.
pub(super) struct Fact {
    /// Words that are always shown.
    pub(super) short: Line,
    /// Words in place of `short` where there is room.
    pub(super) long: Line,
}

/// In which order facts are given room.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Desk,
    Unpriced,
    Held,
    Nodes,
    Accelerators,
    Pods,
    Jobs,
    Protected,
}

/// As many facts in full as fit, by their worth; where not even the short ones fit those of least worth are left out.
fn fitted(facts: &[(Worth, Fact)], room: usize) -> Line {
    const GAP: &str = "   ";
    let mut shown: Vec<Line> = facts.iter().map(|(_, fact)| fact.short.clone()).collect();
    let width = |shown: &[Line]| {
        let parts = shown.iter().filter(|line| !line.is_empty());
        parts.map(|line| line.width() + GAP.len()).sum::<usize>().saturating_sub(GAP.len())
    };
    let mut by_worth: Vec<usize> = (0..facts.len()).collect();
    by_worth.sort_by_key(|at| facts[*at].0);
    for at in by_worth.iter().rev() {
        if width(&shown) > room {
            shown[*at] = Line::new();
        }
    }
    by_worth.retain(|at| !shown[*at].is_empty() || facts[*at].1.short.is_empty());
    for at in by_worth {
        let short = std::mem::replace(&mut shown[at], facts[at].1.long.clone());
        if width(&shown) > room {
            shown[at] = short;
        }
    }
    shown.into_iter().filter(|line| !line.is_empty()).fold(Line::new(), |line, part| line.spaced(GAP).then(part))
}

/// A number as far as its Source tells the truth: nothing before the first list is complete or where only some
/// namespaces are readable, marked when it is stale.
fn number(frame: &FrameContext<'_>, kind: Kind, value: u64) -> Line {
    match frame.state(kind) {
        _ if frame.readable(kind) && !frame.all(kind) => Line::of(Role::Unknown, format::UNKNOWN),
        HealthState::Live => Line::of(Role::TextStrong, format::count(value)),
        HealthState::Stale => Line::of(Role::Stale, format::count(value)).and(Role::Stale, " (stale)"),
        HealthState::Forbidden => Line::of(Role::Unknown, format::UNKNOWN),
        HealthState::Absent | HealthState::NotNeeded => Line::of(Role::TextDim, format::NONE),
        _ => Line::of(Role::Unknown, format::NOT_YET),
    }
}

fn nodes(frame: &FrameContext<'_>) -> Fact {
    let short = Line::of(Role::TextDim, "nodes ").then(number(frame, Kind::Node, frame.totals.nodes));
    let parts: Vec<String> = [(frame.totals.nodes_starting, "starting"), (frame.totals.nodes_leaving, "leaving")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", format::count(count)))
        .collect();
    let long = match parts.as_slice() {
        [] => short.clone(),
        _ if !frame.all(Kind::Node) => short.clone(),
        parts => short.clone().and(Role::TextDim, format!(" ({})", parts.join(", "))),
    };
    Fact { short, long }
}

fn pods(frame: &FrameContext<'_>) -> Fact {
    let short = Line::of(Role::TextDim, "pods ").then(number(frame, Kind::Pod, frame.totals.pods));
    if frame.totals.pods_protected == 0 || !frame.all(Kind::Pod) {
        return Fact { long: short.clone(), short };
    }
    let protected = Line::of(Role::TextDim, " (")
        .and(Role::Protected, format::count(frame.totals.pods_protected))
        .and(Role::TextDim, " protected)");
    Fact { long: short.clone().then(protected), short }
}

fn jobs(frame: &FrameContext<'_>) -> Fact {
    let line = Line::of(Role::TextDim, "jobs ").then(number(frame, Kind::Job, frame.totals.jobs_active));
    Fact { short: line.clone(), long: line }
}

/// Accelerators in words, and in as few columns as possible.
fn gpus(frame: &FrameContext<'_>) -> Fact {
    let gpu = &frame.totals.gpu;
    if gpu.advertised == 0 {
        return Fact { short: Line::new(), long: Line::new() };
    }
    let is_known = frame.all(Kind::Pod);
    let requested = if is_known { format::count(gpu.requested) } else { frame.unknown(Kind::Pod).to_owned() };
    let there = format::count(gpu.advertised);
    let label = Line::of(Role::TextDim, "GPU ");
    // Shared and split devices are advertised several times.
    let physical = gpu.physical.filter(|physical| *physical != gpu.advertised);
    let physical = physical.map_or_else(String::new, |physical| format!(" ({} physical)", format::count(physical)));
    let long = label.clone().and(Role::Gpu, &there).and(Role::TextDim, format!("{physical}: {requested} requested"));
    let busy = frame.app.insights.gpus.sums().devices(GpuClass::Busy).filter(|_| is_known && knows_use(frame));
    let long = match busy {
        Some(busy) => long.and(Role::TextDim, " · ").and(Role::Gpu, format::count(busy)).and(Role::TextDim, " busy"),
        None => long,
    };
    Fact { short: label.and(Role::Gpu, format!("{requested}/{there}")), long }
}

/// Whether an exporter, or Prometheus, tells of any device what it does.
fn knows_use(frame: &FrameContext<'_>) -> bool {
    let tells = |source| {
        let health = frame.app.sources.get(&source);
        health.is_some_and(|health| health.state.is_complete() && health.objects > 0)
    };
    tells(SourceId::GpuExporters) || tells(SourceId::Prometheus)
}

/// Columns that are kept for filter, order and position before counts stand in the tabs.
const LISTING_ROOM: usize = 30;

/// The titles of the screens, with how many rows each has where there is room; on narrow terminals only their numbers, but
/// for the one that is shown.
pub(super) fn tabs(frame: &FrameContext<'_>, area: Area) -> Vec<Tab> {
    let active = frame.app.ui.outer.first().map_or(frame.app.ui.level.screen, |outermost| outermost.screen);
    let screens: Vec<app::Screen> = app::Screen::shown(frame.app).collect();
    let with_counts: Vec<String> = screens.iter().map(|screen| tab_with_count(frame, *screen)).collect();
    let width: usize = with_counts.iter().map(|text| text::width(text)).sum();
    let texts = if width + LISTING_ROOM <= usize::from(area.width) {
        with_counts
    } else {
        let titles: usize = screens.iter().map(|screen| text::width(&tab(*screen))).sum();
        let is_roomy = titles + room_of_listing(frame) <= usize::from(area.width);
        screens
            .iter()
            .map(|screen| if is_roomy || *screen == active { tab(*screen) } else { tab_number(*screen) })
            .collect()
    };
    let mut x = area.x + 1;
    let mut tabs = Vec::new();
    for (screen, text) in screens.into_iter().zip(texts) {
        let line = Line::of(if screen == active { Role::TabActive } else { Role::Tab }, text);
        let width = u16::try_from(line.width()).unwrap_or(area.width);
        tabs.push(Tab { screen, placed: Placed { area: Area::row(x, area.y, width), line } });
        x = x.saturating_add(width);
    }
    tabs
}

/// Columns that are kept for what stands right of the titles: a number, or also what narrows the rows.
fn room_of_listing(frame: &FrameContext<'_>) -> usize {
    let ui = &frame.app.ui;
    let is_narrowed = !ui.level.filter.is_empty() || !ui.marks.is_empty() || !selector(frame, usize::MAX).is_empty();
    if is_narrowed { LISTING_ROOM } else { POSITION_ROOM }
}

/// Columns for `1,234/5,678` and the gaps around it.
const POSITION_ROOM: usize = 15;

fn tab_number(screen: app::Screen) -> String {
    format!(" {} ", screen.number())
}

fn tab(screen: app::Screen) -> String {
    format!(" {} {} ", screen.number(), screen.spec().title)
}

fn tab_with_count(frame: &FrameContext<'_>, screen: app::Screen) -> String {
    match (screen.spec().count)(frame.app) {
        Some(count) => format!(" {} {} {} ", screen.number(), screen.spec().title, format::count(count)),
        None => tab(screen),
    }
}

/// Filter, order and position, right of the tabs.
pub(super) fn listing(frame: &FrameContext<'_>, tabs: &[Tab], area: Area) -> Placed {
    let from = tabs.last().map_or(0, |tab| tab.placed.area.x + tab.placed.area.width) + 2;
    let room = usize::from(area.width.saturating_sub(from + 1));
    let mut parts = Vec::new();
    if !frame.app.ui.level.filter.is_empty() {
        parts.push(Line::of(Role::TextDim, "filter ").and(Role::Input, &frame.app.ui.level.filter));
    }
    if frame.app.ui.level.screen == app::Screen::Cost {
        parts.insert(0, Line::of(Role::TextDim, format!("by {}", frame.app.ui.level.dimension().name())));
    }
    let level = &frame.app.ui.level;
    let is_first_view = level.view == level.screen.spec().first_view();
    // Where there is a rule its chips say it.
    if frame.app.ui.size.1 < SPACIOUS_FROM && !is_first_view && level.screen != app::Screen::Cost {
        parts.insert(0, Line::of(Role::TextDim, "view ").and(Role::TabActive, level.view.name));
    }
    if area.width >= 100 && frame.app.ui.level.screen != app::Screen::Cost {
        let arrow = if frame.app.ui.level.sort.reversed { " ↑" } else { "" };
        let words = format!("{}{arrow}", frame.app.settings.columns.name_of(frame.app.ui.level.sort.column));
        parts.insert(0, Line::of(Role::TextDim, "by ").and(Role::TextDim, words));
    }
    let marks = frame.app.ui.marks.len();
    if marks > 0 {
        parts.insert(0, Line::of(Role::Key, format!("{marks} marked")));
    }
    let line = parts.into_iter().fold(Line::new(), |line, part| line.spaced("   ").then(part));
    // The text of a filter may be cut, a number never: its head would be another number.
    let position = position(frame, room.saturating_sub(line.width() + 3));
    let line = line.cut(room.saturating_sub(position.width() + 3)).spaced("   ").then(position);
    let line = selector(frame, room.saturating_sub(line.width() + 3)).spaced("   ").then(line).cut(room);
    let width = u16::try_from(line.width()).unwrap_or(0);
    Placed { area: Area::row(area.width.saturating_sub(width + 1), area.y, width), line }
}

/// `-l app=train` or `--node-selector …`, whichever narrows the rows of the screen, so that the eye finds why rows are
/// missing. Where that is too long the flag is left out, then the selector is cut.
fn selector(frame: &FrameContext<'_>, room: usize) -> Line {
    let (flag, selector) = match frame.app.ui.level.screen.spec().narrowed_by {
        Narrowing::Nothing => return Line::new(),
        Narrowing::NodeLabels => ("--node-selector", &frame.app.scope.node_selector),
        Narrowing::NamespacesAndLabels => ("-l", &frame.app.scope.selector),
    };
    let Some(selector) = selector else { return Line::new() };
    let short = Line::of(Role::Input, selector.to_string());
    let long = Line::of(Role::TextDim, format!("{flag} ")).then(short.clone());
    match () {
        () if long.width() <= room => long,
        () if room >= SHORTEST_SELECTOR => short.cut(room),
        () => Line::new(),
    }
}

/// Less of a selector says nothing.
const SHORTEST_SELECTOR: usize = 6;

/// `3/24`, and of how many where a filter hides some and there is room.
fn position(frame: &FrameContext<'_>, room: usize) -> Line {
    let listing = &frame.app.ui.listing;
    if listing.rows.is_empty() {
        return Line::new();
    }
    let shown = format!("{}/{}", format::count(listing.cursor + 1), format::count(listing.rows.len()));
    let shown = Line::of(Role::TextDim, shown);
    let all = shown.clone().and(Role::TextDim, format!(" of {}", format::count(listing.unfiltered)));
    if listing.unfiltered > listing.rows.len() && all.width() <= room { all } else { shown }
}

/// The rule above the table: how we came here, and what is not the whole truth.
pub(super) fn rule(frame: &FrameContext<'_>, area: Area) -> Placed {
    let mut line = Line::new();
    let levels = frame.app.ui.outer.iter().chain([&frame.app.ui.level]);
    for scope in levels.filter_map(|level| level.scope.as_ref()) {
        let sign = if line.is_empty() { " " } else { "› " };
        line = line.and(Role::Title, sign).and(Role::Title, describe(scope) + " ");
    }
    let banner = health::banner(frame);
    if !banner.is_empty() && !frame.app.ui.listing.rows.is_empty() {
        line = line.and(Role::Text, " ").then(banner).and(Role::Text, " ");
    }
    let room = usize::from(area.width.saturating_sub(4));
    let line = line.clone().then(chips(frame, room.saturating_sub(line.width())));
    Placed { area, line: line.cut(room) }
}

/// The views of the screen, and of the one that is shown how much it lists; as many of them as fit.
fn chips(frame: &FrameContext<'_>, room: usize) -> Line {
    let views = frame.app.ui.level.screen.spec().views_offered(frame.app);
    if views.len() < 2 {
        return Line::new();
    }
    let shown = Line::of(Role::TabActive, format!(" {}{} ", frame.app.ui.level.view.name, listed(frame)));
    // Groupings of devices are only worth the room where devices are shown.
    let groups_devices = |view: &app::View| matches!(view.grouping, Some(app::Grouping::Devices(_)));
    let is_of_devices = |view: &app::View| {
        view.table.is_some_and(|table| matches!(table.rows, app::Rows::Devices | app::Rows::DeviceGroups))
    };
    let shows_devices = is_of_devices(frame.app.ui.level.view);
    // The front desk has a key of its own.
    let is_of_desk = |view: &app::View| view.table.is_some_and(|table| matches!(table.rows, app::Rows::Matters(_)));
    let shows_desk = is_of_desk(frame.app.ui.level.view);
    let is_family = |view: &&app::View| match () {
        () if shows_devices => is_of_devices(view),
        () if shows_desk => is_of_desk(view),
        () => !groups_devices(view) && !is_of_desk(view),
    };
    let chip = |view: &app::View| {
        if *view == *frame.app.ui.level.view { shown.clone() } else { Line::of(Role::Tab, format!(" {} ", view.name)) }
    };
    let all = views.iter().copied().filter(is_family).map(chip).fold(Line::plain(" "), Line::then).and(Role::Text, " ");
    let alone = Line::plain(" ").then(shown.clone()).and(Role::Text, " ");
    let more = savings(frame).map(|words| all.clone().and(Role::TextDim, "· ").then(words).and(Role::Text, " "));
    more.into_iter().chain([all, alone]).find(|line| line.width() <= room).unwrap_or_default()
}

/// Above spot capacity: what all of it costs less than on demand, now and since batchtop started.
fn savings(frame: &FrameContext<'_>) -> Option<Line> {
    let is_of_spot = matches!(frame.app.ui.level.table().rows, app::Rows::SpotPools | app::Rows::SpotZones);
    let spot = &frame.app.insights.spot;
    let is_known = is_of_spot && frame.readable(Kind::Node);
    Some(match is_known.then(|| spot.totals().savings)? {
        None => Line::of(Role::Unknown, "savings are not known"),
        Some(saved) if saved < 0 => Line::of(Role::Warn, format!("{} dearer than on demand", money::rate(-saved))),
        Some(saved) => {
            let since = spot.saved_in_all().filter(|saved| *saved > 0);
            let since = since.map_or_else(String::new, |saved| format!(", {} since the start", money::sum(saved)));
            Line::plain(format!("saves {} against on demand{since}", money::rate(saved)))
        }
    })
}

/// How many rows are listed, and what they cost together: ` 24  ≥ $412.87/h`.
fn listed(frame: &FrameContext<'_>) -> String {
    let listing = &frame.app.ui.listing;
    let level = &frame.app.ui.level;
    let is_known = level.screen.spec().own_kinds_of(level.view).first().is_none_or(|kind| frame.readable(*kind));
    if !is_known {
        return String::new();
    }
    let count = format::count(listing.rows.len());
    let rate = listing.rate.filter(|rate| rate.micro_usd_per_hour > 0).map(|sum| {
        let sign = if sum.unpriced > 0 { "≥ " } else { "" };
        format!("  {sign}{}", money::rate(sum.micro_usd_per_hour))
    });
    format!(" {count}{}", rate.unwrap_or_default())
}

fn describe(scope: &Scope) -> String {
    match scope {
        Scope::NodePool(name) => format!("NodePool {name}"),
        Scope::Node(name) => format!("Node {name}"),
        Scope::Job(key) => format!("Job {key}"),
        Scope::SpotPool(pool) => format!("spot pool {pool}"),
        Scope::DeviceGroup((by, group)) => format!("GPUs of {} {}", by.name(), group.words(*by)),
        Scope::CostKey((dimension, who)) => format!("{} {}", dimension.name(), who.words(*dimension)),
        Scope::About(object) => format!("about {} {}", object.kind, object.key),
    }
}
