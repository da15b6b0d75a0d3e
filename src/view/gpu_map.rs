//! One cell for each GPU, by NodePool and Node, above the list of devices.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::context::FrameContext;
use super::layout::{BESIDE_FROM, SPACIOUS_FROM};
use super::{Line, format, words};
use crate::app::{Rows, listed_nodes};
use crate::config::Role;
use crate::fleet::NodeRow;
use crate::insight::gpu::{ByClass, GpuClass};

/// From this size of the terminal on there is room for it.
const ROOMY_FROM: (u16, u16) = (120, 40);

/// Lines for NodePools: a quarter of what a terminal has beyond its other lines.
const fn most_lines(height: u16) -> usize {
    let lines = height.saturating_sub(SPACIOUS_FROM) / 4;
    lines as usize
}

/// The longest name of a NodePool that is written out.
const LONGEST_POOL: usize = 16;

/// The worst first: what somebody has to look at, then what costs and does nothing.
const WORST_FIRST: [GpuClass; GpuClass::ALL.len()] = [
    GpuClass::Rogue,
    GpuClass::Idle,
    GpuClass::Parked,
    GpuClass::Stranded,
    GpuClass::Unallocated,
    GpuClass::Unknown,
    GpuClass::Busy,
];

/// A GPU of a class, readable without colour.
const fn cell(class: GpuClass) -> char {
    match class {
        GpuClass::Busy => '█',
        GpuClass::Idle => 'i',
        GpuClass::Parked => 'p',
        GpuClass::Rogue => '!',
        GpuClass::Stranded => 's',
        GpuClass::Unallocated => '·',
        GpuClass::Unknown => '?',
    }
}

/// A Node with its GPUs.
struct MapNode<'a> {
    name: &'a str,
    pool: &'a str,
    by_class: ByClass,
    is_selected: bool,
}

impl MapNode<'_> {
    fn cells(&self) -> usize {
        usize::try_from(self.by_class.total()).unwrap_or(0)
    }

    /// Those with the worst class first, and of these those with the most of it.
    fn rank(&self) -> (usize, Reverse<i64>, &str, &str) {
        let worst = WORST_FIRST.iter().position(|class| self.by_class.get(*class) > 0).unwrap_or(WORST_FIRST.len());
        let count = WORST_FIRST.get(worst).map_or(0, |class| self.by_class.get(*class));
        (worst, Reverse(count), self.pool, self.name)
    }
}

/// The lines of the map with its legend; none where there is no room, or where other rows than devices are listed.
pub(super) fn lines(frame: &FrameContext<'_>) -> Vec<Line> {
    let ui = &frame.app.ui;
    let is_shown =
        matches!(ui.level.table().rows, Rows::Devices) && ui.size.0 >= ROOMY_FROM.0 && ui.size.1 >= ROOMY_FROM.1;
    // Details that cover the table would leave the map alone.
    let is_covered = ui.level.detail.is_some() && ui.size.0 < BESIDE_FROM;
    if !is_shown || is_covered {
        return Vec::new();
    }
    let (mut nodes, uncounted) = nodes(frame);
    if nodes.is_empty() && uncounted == 0 {
        return Vec::new();
    }
    let room = Room { width: usize::from(ui.size.0).saturating_sub(2), lines: most_lines(ui.size.1) };
    let mut lines = vec![legend(&nodes)];
    if let Some(at) = selected_without_room(&nodes, room) {
        nodes[..=at].rotate_right(1);
    }
    let (rows, left) = arrange(&nodes, room);
    lines.extend(rows);
    lines.extend(more(&left, uncounted));
    lines.push(Line::new());
    lines.into_iter().map(|line| Line::plain(" ").then(line)).collect()
}

/// The Nodes of the level with GPUs, the worst first, and how many there are whose GPUs cannot be counted.
fn nodes<'a>(frame: &'a FrameContext<'_>) -> (Vec<MapNode<'a>>, usize) {
    let selected = frame.selected().and_then(|key| key.device()).map(|device| &device.node);
    let of_node = |node: &'a NodeRow| {
        let state = frame.app.insights.gpus.of_node(&node.meta.key.name)?;
        let (name, pool) = (&node.meta.key.name, node.node_pool().map_or("", |pool| pool.as_str()));
        let is_selected = selected == Some(name);
        Some(state.activity.counted_by_class().map(|by_class| MapNode { name, pool, by_class, is_selected }))
    };
    let (mut known, mut uncounted) = (Vec::new(), 0);
    for node in listed_nodes(frame.app).filter_map(of_node) {
        match node {
            Some(node) if node.cells() > 0 => known.push(node),
            Some(_) => {}
            None => uncounted += 1,
        }
    }
    known.sort_unstable_by(|one, other| one.rank().cmp(&other.rank()));
    (known, uncounted)
}

/// How much there is room for.
#[derive(Clone, Copy)]
struct Room {
    width: usize,
    lines: usize,
}

/// A line of a NodePool, and how many of its columns are taken.
struct MapLine<'a, 'b> {
    nodes: Vec<&'b MapNode<'a>>,
    taken: usize,
}

/// Whole Nodes in lines, one or more for each NodePool, as long as there is room; and those for which there is none.
fn arrange<'a, 'b>(nodes: &'b [MapNode<'a>], room: Room) -> (Vec<Line>, Vec<&'b MapNode<'a>>) {
    let label = nodes.iter().map(|node| pool_name(node.pool).chars().count().min(LONGEST_POOL)).max().unwrap_or(0);
    let width = room.width.saturating_sub(label + 1);
    let (mut pools, mut order): (BTreeMap<&str, Vec<MapLine<'a, 'b>>>, Vec<&str>) = Default::default();
    let (mut used, mut left) = (0, Vec::new());
    for node in nodes {
        // A column before each Node, and one behind the last one: brackets, where it is selected.
        let wanted = node.cells() + 1;
        let lines = pools.entry(node.pool).or_default();
        if let Some(line) = lines.iter_mut().find(|line| line.taken + wanted < width) {
            line.nodes.push(node);
            line.taken += wanted;
        } else if used < room.lines && wanted < width {
            if lines.is_empty() {
                order.push(node.pool);
            }
            lines.push(MapLine { nodes: vec![node], taken: wanted });
            used += 1;
        } else {
            left.push(node);
        }
    }
    let drawn = order.iter().flat_map(|pool| {
        let lines = pools.get(pool).into_iter().flatten().enumerate();
        lines.map(move |(at, line)| draw(if at == 0 { pool_name(pool) } else { "" }, label, &line.nodes))
    });
    (drawn.collect(), left)
}

/// Where the selected Node stands, if there is no room for it there.
fn selected_without_room(nodes: &[MapNode<'_>], room: Room) -> Option<usize> {
    let (_, left) = arrange(nodes, room);
    left.iter().any(|node| node.is_selected).then(|| nodes.iter().position(|node| node.is_selected))?
}

fn pool_name(pool: &str) -> &str {
    if pool.is_empty() { "no NodePool" } else { pool }
}

fn draw(pool: &str, label: usize, nodes: &[&MapNode<'_>]) -> Line {
    let name = Line::of(Role::TextDim, pool).cut(label);
    let gap = " ".repeat(label.saturating_sub(name.width()));
    let mut line = name.and(Role::Text, gap);
    let mut was_selected = false;
    for node in nodes {
        line = match (was_selected, node.is_selected) {
            (true, _) => line.and(Role::TextStrong, "]"),
            (false, true) => line.and(Role::TextStrong, "["),
            (false, false) => line.and(Role::Text, " "),
        };
        for class in GpuClass::ALL {
            let count = usize::try_from(node.by_class.get(class)).unwrap_or(0);
            line = line.and(words::gpu_class_role(class), cell(class).to_string().repeat(count));
        }
        was_selected = node.is_selected;
    }
    if was_selected { line.and(Role::TextStrong, "]") } else { line }
}

/// What the cells mean, and how many of each there are in all.
fn legend(nodes: &[MapNode<'_>]) -> Line {
    let counts = sum(nodes.iter());
    let all = Line::of(Role::Title, "GPU MAP").and(Role::TextDim, format!("  {} GPUs", format::count(counts.total())));
    by_class(&counts).into_iter().fold(all, |line, part| line.and(Role::Text, "   ").then(part))
}

fn sum<'a>(nodes: impl Iterator<Item = &'a MapNode<'a>>) -> ByClass {
    nodes.fold(ByClass::default(), |mut sum, node| {
        GpuClass::ALL.into_iter().for_each(|class| sum.add(class, node.by_class.get(class)));
        sum
    })
}

/// `i 3 idle` of each class that there is.
fn by_class(counts: &ByClass) -> Vec<Line> {
    let classes = GpuClass::ALL.into_iter().filter(|class| counts.get(*class) > 0);
    let part = |class| {
        let number = format!("{} {} ", cell(class), format::count(counts.get(class)));
        Line::of(words::gpu_class_role(class), number).then(words::gpu_class(class))
    };
    classes.map(part).collect()
}

/// What there is no room for, and what cannot be counted.
fn more(left: &[&MapNode<'_>], uncounted: usize) -> Option<Line> {
    let counts = sum(left.iter().copied());
    let mut line = Line::new();
    if !left.is_empty() {
        let pools: BTreeSet<&str> = left.iter().map(|node| node.pool).collect();
        let (gpus, nodes) = (format::count(counts.total()), format::count(left.len()));
        line = line.and(Role::TextDim, format!("+ {gpus} GPUs more on {nodes} nodes of {} NodePools", pools.len()));
        line = by_class(&counts).into_iter().fold(line, |line, part| line.and(Role::Text, "   ").then(part));
    }
    if uncounted > 0 {
        let gap = if line.width() > 0 { "   " } else { "" };
        let words = format!("{gap}? {} nodes of which the number of GPUs is not known", format::count(uncounted));
        line = line.and(Role::Unknown, words);
    }
    (line.width() > 0).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node<'a>(pool: &'a str, name: &'a str, counts: &[(GpuClass, i64)]) -> MapNode<'a> {
        let mut by_class = ByClass::default();
        counts.iter().for_each(|(class, count)| by_class.add(*class, *count));
        MapNode { name, pool, by_class, is_selected: false }
    }

    fn sorted(mut nodes: Vec<MapNode<'_>>) -> Vec<MapNode<'_>> {
        nodes.sort_unstable_by(|one, other| one.rank().cmp(&other.rank()));
        nodes
    }

    fn drawn(nodes: &[MapNode<'_>], width: usize, lines: usize) -> (Vec<String>, i64) {
        let (drawn, left) = arrange(nodes, Room { width, lines });
        (drawn.iter().map(Line::text).collect(), sum(left.iter().copied()).total())
    }

    #[test]
    fn every_class_has_a_cell_of_its_own() {
        let cells: BTreeSet<char> = GpuClass::ALL.into_iter().map(cell).collect();
        assert_eq!(cells.len(), GpuClass::ALL.len());
        assert_eq!(WORST_FIRST.into_iter().collect::<BTreeSet<_>>().len(), GpuClass::ALL.len());
    }

    #[test]
    fn nodes_stand_in_the_lines_of_their_pool_the_worst_first() {
        let mut nodes = vec![
            node("a", "n1", &[(GpuClass::Busy, 4)]),
            node("b", "n2", &[(GpuClass::Busy, 1), (GpuClass::Idle, 3)]),
            node("a", "n3", &[(GpuClass::Parked, 2), (GpuClass::Unallocated, 2)]),
            node("", "n4", &[(GpuClass::Unknown, 1)]),
        ];
        nodes[0].is_selected = true;
        let nodes = sorted(nodes);
        let lines = ["b           █iii", "a           pp··[████]", "no NodePool ?"].map(str::to_owned).to_vec();
        assert_eq!(drawn(&nodes, 40, 9), (lines, 0));
        let room = |lines| Room { width: 40, lines };
        assert_eq!([9, 1].map(|lines| selected_without_room(&nodes, room(lines))), [None, Some(3)]);
    }

    #[test]
    fn no_gpu_is_cut_silently() {
        let names: Vec<String> = (0..50).map(|number| format!("n{number:02}")).collect();
        let busy = |name| node("pool", name, &[(GpuClass::Busy, 8)]);
        let mut nodes: Vec<MapNode<'_>> = names.iter().map(|name| busy(name)).collect();
        nodes[49].by_class = ByClass::default();
        nodes[49].by_class.add(GpuClass::Rogue, 8);
        let nodes = sorted(nodes);
        for (width, lines) in [(40, 3), (12, 1), (8, 4), (200, 0), (300, 60)] {
            let (shown, left) = drawn(&nodes, width, lines);
            let cells: usize = shown.iter().map(|line| line.matches(['█', '!']).count()).sum();
            assert_eq!(i64::try_from(cells).expect("few") + left, 400, "{width}x{lines}");
            assert!(shown.len() <= lines && shown.iter().all(|line| line.chars().count() <= width), "{width}x{lines}");
            assert!(shown.is_empty() || shown[0].contains('!'), "the worst Node has a place first");
        }
        let line = more(&nodes.iter().collect::<Vec<_>>(), 2).expect("what there is no room for").text();
        assert_eq!(
            line,
            "+ 400 GPUs more on 50 nodes of 1 NodePools   █ 392 busy   ! 8 rogue   ? 2 nodes of which the number of GPUs is not known"
        );
        assert!(more(&[], 0).is_none());
    }
}
