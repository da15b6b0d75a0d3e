//! One cell for each GPU, by NodePool and Node, above the list of devices.

use super::context::FrameContext;
use super::layout::{BESIDE_FROM, SPACIOUS_FROM};
use super::{Line, format, words};
use crate::app::{DeviceMap, MapNode, Rows};
use crate::config::Role;
use crate::fleet::Sym;
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
    let map = &frame.app.ui.listing.device_map;
    if map.nodes.is_empty() && map.uncounted == 0 {
        return Vec::new();
    }
    let room = Room::of(map, ui.size);
    let selected = frame.selected().and_then(|key| key.device()).map(|device| &device.node);
    let placed = Arranged::of(map, selected, &room);
    let mut lines = vec![legend(&map.sum)];
    lines.extend(placed.lines.iter().map(|line| draw(line, selected, &room)));
    lines.extend(more(map, &placed));
    lines.push(Line::new());
    lines.into_iter().map(|line| Line::plain(" ").then(line)).collect()
}

/// How much there is room for, in columns and lines.
struct Room {
    label: usize,
    width: usize,
    lines: usize,
}

impl Room {
    fn of(map: &DeviceMap, (width, height): (u16, u16)) -> Self {
        let names = map.pools.iter().map(|pool| pool_name(pool.as_ref()).chars().count());
        let label = names.max().unwrap_or(0).min(LONGEST_POOL);
        Self { label, width: usize::from(width).saturating_sub(label + 3), lines: most_lines(height) }
    }
}

/// A line of a NodePool, and how many of its columns are taken.
struct MapLine<'a> {
    pool: Option<&'a Sym>,
    /// Whether it is the first of its NodePool.
    is_first: bool,
    nodes: Vec<&'a MapNode>,
    taken: usize,
}

/// Whole Nodes in lines, one or more for each NodePool, as long as there is room.
#[derive(Default)]
struct Arranged<'a> {
    lines: Vec<MapLine<'a>>,
    /// The GPUs in these lines, and on how many Nodes they are.
    sum: ByClass,
    nodes: usize,
}

impl<'a> Arranged<'a> {
    /// The worst Nodes, and the selected one whatever it does.
    fn of(map: &'a DeviceMap, selected: Option<&Sym>, room: &Room) -> Self {
        let is_selected = |node: &&MapNode| Some(&node.name) == selected;
        let placed = Self::in_order(map.nodes.iter(), room);
        let has_selected = placed.lines.iter().flat_map(|line| &line.nodes).any(is_selected);
        match map.nodes.iter().find(is_selected) {
            Some(node) if !has_selected => {
                let others = map.nodes.iter().filter(|other| !is_selected(other));
                Self::in_order(std::iter::once(node).chain(others), room)
            }
            _ => placed,
        }
    }

    fn in_order(nodes: impl Iterator<Item = &'a MapNode>, room: &Room) -> Self {
        let mut placed = Self::default();
        for node in nodes {
            if placed.is_full(room) {
                break;
            }
            placed.put(node, room);
        }
        // Lines of a NodePool stand together, NodePools in the order of their worst Node.
        let order: Vec<Option<&Sym>> = placed.lines.iter().filter(|line| line.is_first).map(|line| line.pool).collect();
        placed.lines.sort_by_key(|line| order.iter().position(|pool| *pool == line.pool));
        placed
    }

    /// A column before each Node, and one behind the last one: brackets, where it is selected.
    fn put(&mut self, node: &'a MapNode, room: &Room) {
        let (pool, wanted) = (node.pool.as_ref(), node.gpus() + 1);
        let mut of_pool = self.lines.iter_mut().filter(|line| line.pool == pool).peekable();
        let is_first = of_pool.peek().is_none();
        if let Some(line) = of_pool.find(|line| line.taken + wanted < room.width) {
            line.nodes.push(node);
            line.taken += wanted;
        } else if self.lines.len() < room.lines && wanted < room.width {
            self.lines.push(MapLine { pool, is_first, nodes: vec![node], taken: wanted });
        } else {
            return;
        }
        self.nodes += 1;
        self.sum.add_all(&node.by_class, 1);
    }

    /// Whether not even a Node with one GPU has a place.
    fn is_full(&self, room: &Room) -> bool {
        self.lines.len() >= room.lines && self.lines.iter().all(|line| line.taken + SMALLEST_NODE >= room.width)
    }
}

/// The columns of a Node with one GPU.
const SMALLEST_NODE: usize = 2;

fn pool_name(pool: Option<&Sym>) -> &str {
    pool.map_or("no NodePool", |pool| pool.as_str())
}

fn draw(line: &MapLine<'_>, selected: Option<&Sym>, room: &Room) -> Line {
    let name = if line.is_first { pool_name(line.pool) } else { "" };
    let name = Line::of(Role::TextDim, name).cut(room.label);
    let gap = " ".repeat(room.label.saturating_sub(name.width()));
    let mut drawn = name.and(Role::Text, gap);
    let mut was_selected = false;
    for node in &line.nodes {
        let is_selected = Some(&node.name) == selected;
        drawn = match (was_selected, is_selected) {
            (true, _) => drawn.and(Role::TextStrong, "]"),
            (false, true) => drawn.and(Role::TextStrong, "["),
            (false, false) => drawn.and(Role::Text, " "),
        };
        for class in GpuClass::ALL {
            let count = usize::try_from(node.by_class.get(class)).unwrap_or(0);
            drawn = drawn.and(words::gpu_class_role(class), cell(class).to_string().repeat(count));
        }
        was_selected = is_selected;
    }
    if was_selected { drawn.and(Role::TextStrong, "]") } else { drawn }
}

/// What the cells mean, and how many of each there are in all.
fn legend(counts: &ByClass) -> Line {
    let all = Line::of(Role::Title, "GPU MAP").and(Role::TextDim, format!("  {} GPUs", format::count(counts.total())));
    by_class(counts).into_iter().fold(all, |line, part| line.and(Role::Text, "   ").then(part))
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
fn more(map: &DeviceMap, placed: &Arranged<'_>) -> Option<Line> {
    let mut left = map.sum;
    left.add_all(&placed.sum, -1);
    let mut line = Line::new();
    if left.total() > 0 {
        let nodes = map.nodes.len() - placed.nodes;
        let (gpus, nodes) = (format::count(left.total()), format::plural(nodes, "node"));
        line = line.and(Role::TextDim, format!("+ {gpus} GPUs more on {nodes}"));
        line = by_class(&left).into_iter().fold(line, |line, part| line.and(Role::Text, "   ").then(part));
    }
    if map.uncounted > 0 {
        let gap = if line.width() > 0 { "   " } else { "" };
        let nodes = format::plural(map.uncounted, "node");
        line = line.and(Role::Unknown, format!("{gap}? {nodes} of which the number of GPUs is not known"));
    }
    (line.width() > 0).then_some(line)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn node(pool: &str, name: &str, counts: &[(GpuClass, i64)]) -> MapNode {
        let mut by_class = ByClass::default();
        counts.iter().for_each(|(class, count)| by_class.add(*class, *count));
        MapNode { name: Sym::new(name), pool: Some(pool).filter(|pool| !pool.is_empty()).map(Sym::new), by_class }
    }

    fn drawn(map: &DeviceMap, selected: Option<&Sym>, (width, lines): (u16, usize)) -> (Vec<String>, i64) {
        let room = Room { lines, ..Room::of(map, (width + 2, 0)) };
        let placed = Arranged::of(map, selected, &room);
        let shown = placed.lines.iter().map(|line| draw(line, selected, &room).text()).collect();
        (shown, map.sum.total() - placed.sum.total())
    }

    #[test]
    fn every_class_has_a_cell_of_its_own() {
        let cells: BTreeSet<char> = GpuClass::ALL.into_iter().map(cell).collect();
        assert_eq!(cells.len(), GpuClass::ALL.len());
    }

    #[test]
    fn nodes_stand_in_the_lines_of_their_pool_the_worst_first() {
        let nodes = vec![
            node("a", "n1", &[(GpuClass::Busy, 4)]),
            node("b", "n2", &[(GpuClass::Busy, 1), (GpuClass::Idle, 3)]),
            node("a", "n3", &[(GpuClass::Parked, 2), (GpuClass::Unallocated, 2)]),
            node("", "n4", &[(GpuClass::Unknown, 1)]),
        ];
        let (map, selected) = (DeviceMap::of_nodes(nodes, 0), Sym::new("n1"));
        let lines = ["b           █iii", "a           pp··[████]", "no NodePool ?"].map(str::to_owned).to_vec();
        assert_eq!(drawn(&map, Some(&selected), (40, 9)), (lines, 0));
        let (only, left) = drawn(&map, Some(&selected), (40, 1));
        assert_eq!((only, left), (vec!["a          [████]pp··".to_owned()], 5), "the selected Node is in sight");
    }

    #[test]
    fn no_gpu_is_cut_silently() {
        let mut nodes: Vec<MapNode> =
            (0..49).map(|number| node("pool", &format!("n{number:02}"), &[(GpuClass::Busy, 8)])).collect();
        nodes.push(node("pool", "n49", &[(GpuClass::Rogue, 8)]));
        let map = DeviceMap::of_nodes(nodes, 2);
        for (width, lines) in [(40, 3), (12, 1), (8, 4), (200, 0), (300, 60)] {
            let (shown, left) = drawn(&map, None, (width, lines));
            let cells: usize = shown.iter().map(|line| line.matches(['█', '!']).count()).sum();
            assert_eq!(i64::try_from(cells).expect("few") + left, 400, "{width}x{lines}");
            let fits = |line: &String| line.chars().count() <= usize::from(width);
            assert!(shown.len() <= lines && shown.iter().all(fits), "{width}x{lines}");
            assert!(shown.is_empty() || shown[0].contains('!'), "the worst Node has a place first");
        }
        let line = more(&map, &Arranged::default()).expect("what there is no room for").text();
        assert_eq!(
            line,
            "+ 400 GPUs more on 50 nodes   █ 392 busy   ! 8 rogue   ? 2 nodes of which the number of GPUs is not known"
        );
        let everything = Arranged { sum: map.sum, nodes: 50, ..Arranged::default() };
        assert!(more(&DeviceMap { uncounted: 0, ..map.clone() }, &everything).is_none());
    }
}
