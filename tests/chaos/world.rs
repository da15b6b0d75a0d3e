//! The truth: every object of the cluster, what has changed, and a generator of changes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use batchtop::fleet::Kind;
use bytes::Bytes;

use super::objects::{BREAKABLE, Shape, json, key, population};
use super::random::Random;

/// How many events of a kind are remembered; a watch that goes on from an older one has expired.
const HISTORY: usize = 4_000;

/// How many lists of a kind whose further pages may be asked for are remembered.
const LISTS: usize = 4;

/// How many times the objects there are at the very beginning.
const SWOLLEN: usize = 2;

/// How far back a watch begins that tells again what was told before.
const REPLAYED: u64 = 60;

/// One line of a watch.
struct Event {
    version: u64,
    line: Bytes,
}

/// The objects as of one moment, whose pages are asked for one by one.
struct List {
    version: u64,
    objects: Arc<Vec<Bytes>>,
}

/// One page of a list.
pub struct Page {
    pub version: u64,
    pub objects: Vec<Bytes>,
    /// Empty on the last page.
    pub token: String,
}

/// The server no longer knows what the request would go on from.
pub struct Expired;

/// All objects of one kind.
struct Collection {
    /// Each slot: its object, or how often there has been one before.
    slots: Vec<Slot>,
    objects: BTreeMap<String, Bytes>,
    history: VecDeque<Event>,
    /// Events up to this version are forgotten.
    compacted: u64,
    lists: VecDeque<List>,
}

#[derive(Clone, Copy)]
struct Slot {
    shape: Shape,
    exists: bool,
}

/// Every object of the cluster, and what changed lately.
pub struct World {
    random: Random,
    version: u64,
    collections: BTreeMap<Kind, Collection>,
    /// How many changes there have been.
    pub changes: usize,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world =
            Self { random: Random::of(&[seed, 1]), version: 1_000, collections: BTreeMap::new(), changes: 0 };
        for kind in Kind::ALL {
            let slots =
                (0..SWOLLEN * population(kind)).map(|slot| Slot { shape: Shape::first(slot), exists: false }).collect();
            let (objects, history, lists) = (BTreeMap::new(), VecDeque::new(), VecDeque::new());
            world.collections.insert(kind, Collection { slots, objects, history, compacted: 0, lists });
        }
        world
    }

    /// Makes more objects than there ever are later, so that everything that keeps room for them has done so.
    pub fn swell(&mut self) {
        for kind in Kind::ALL {
            for slot in 0..SWOLLEN * population(kind) {
                self.create(kind, Shape::first(slot));
            }
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    fn of(&mut self, kind: Kind) -> &mut Collection {
        self.collections.get_mut(&kind).expect("every kind has a collection")
    }

    /// All objects of a kind.
    pub fn objects(&self, kind: Kind) -> impl Iterator<Item = &Bytes> {
        self.collections[&kind].objects.values()
    }

    /// How many objects of a kind cannot be decoded.
    pub fn broken(&self, kind: Kind) -> usize {
        self.collections[&kind].slots.iter().filter(|slot| slot.exists && slot.shape.is_broken).count()
    }

    // --- changes ---

    fn publish(&mut self, kind: Kind, slot: Slot, what: &str) {
        self.version += 1;
        self.changes += 1;
        let (version, json) = (self.version, json(kind, slot.shape, self.version));
        let line = Bytes::from(format!("{{\"type\":\"{what}\",\"object\":{json}}}\n"));
        let collection = self.of(kind);
        let key = key(kind, slot.shape);
        if slot.exists {
            collection.objects.insert(key, Bytes::from(json));
        } else {
            collection.objects.remove(&key);
        }
        collection.slots[slot.shape.slot] = slot;
        collection.history.push_back(Event { version, line });
        if collection.history.len() > HISTORY
            && let Some(oldest) = collection.history.pop_front()
        {
            collection.compacted = oldest.version;
        }
    }

    fn create(&mut self, kind: Kind, shape: Shape) {
        self.publish(kind, Slot { shape, exists: true }, "ADDED");
    }

    fn modify(&mut self, kind: Kind, shape: Shape) {
        self.publish(kind, Slot { shape, exists: true }, "MODIFIED");
    }

    fn delete(&mut self, kind: Kind, shape: Shape) {
        self.publish(kind, Slot { shape, exists: false }, "DELETED");
    }

    /// Does one change at random.
    pub fn change(&mut self) {
        let kind = match self.random.below(100) {
            0..60 => Kind::Pod,
            60..70 => Kind::Node,
            70..78 => Kind::NodeClaim,
            78..86 => Kind::Job,
            86..92 => Kind::Event,
            _ => self.random.pick(&Kind::ALL),
        };
        let at = self.random.below(population(kind));
        let Slot { shape, exists } = self.collections[&kind].slots[at];
        let again = Shape { generation: shape.generation + 1, revision: 0, is_broken: false, ..shape };
        let changed = Shape { revision: shape.revision + 1, is_broken: false, ..shape };
        match self.random.below(100) {
            _ if !exists => self.create(kind, again),
            0..12 => self.delete(kind, shape),
            12..24 => {
                self.delete(kind, shape);
                self.create(kind, again);
            }
            24..27 if BREAKABLE.contains(&kind) => self.modify(kind, Shape { is_broken: true, ..changed }),
            _ => self.modify(kind, changed),
        }
    }

    /// Brings every object back to what it was at the beginning.
    pub fn restore(&mut self) {
        for kind in Kind::ALL {
            for Slot { shape, exists } in self.collections[&kind].slots.clone() {
                let first = Shape::first(shape.slot);
                let is_wanted = shape.slot < population(kind);
                match (exists, shape.generation == 0) {
                    (true, _) if !is_wanted => self.delete(kind, shape),
                    (false, _) if !is_wanted => {}
                    (true, true) if shape == first => {}
                    (true, true) => self.modify(kind, first),
                    (true, false) => {
                        self.delete(kind, shape);
                        self.create(kind, first);
                    }
                    (false, _) => self.create(kind, first),
                }
            }
        }
    }

    /// Forgets what has changed in one kind at random, and the lists of it that are under way.
    pub fn compact_one(&mut self) {
        let kind = self.random.pick(&Kind::ALL);
        self.compact(kind);
    }

    pub fn compact_all(&mut self) {
        Kind::ALL.into_iter().for_each(|kind| self.compact(kind));
    }

    fn compact(&mut self, kind: Kind) {
        let version = self.version;
        let collection = self.of(kind);
        collection.compacted = version;
        collection.history = VecDeque::new();
        collection.lists = VecDeque::new();
    }

    // --- answers ---

    /// The first page of a list.
    pub fn first_page(&mut self, kind: Kind, limit: usize) -> Page {
        let version = self.version;
        let collection = self.of(kind);
        let objects: Arc<Vec<Bytes>> = Arc::new(collection.objects.values().cloned().collect());
        let page = page_at(&objects, version, 0, limit);
        if !page.token.is_empty() {
            collection.lists.push_back(List { version, objects });
            if collection.lists.len() > LISTS {
                collection.lists.pop_front();
            }
        }
        page
    }

    /// A further page, of the same moment as the first.
    pub fn next_page(&mut self, kind: Kind, token: &str, limit: usize) -> Result<Page, Expired> {
        let parts = token.split_once('.').and_then(|(version, from)| Some((version.parse().ok()?, from.parse().ok()?)));
        let (wanted, from): (u64, usize) = parts.expect("a token of this server");
        let list = self.of(kind).lists.iter().find(|list| list.version == wanted).ok_or(Expired)?;
        Ok(page_at(&list.objects, list.version, from, limit))
    }

    /// The lines of a watch behind a version, and the version up to which they tell everything.
    pub fn lines_after(&self, kind: Kind, version: u64) -> Result<(Vec<Bytes>, u64), Expired> {
        let collection = &self.collections[&kind];
        if version < collection.compacted {
            return Err(Expired);
        }
        let begin = collection.history.partition_point(|event| event.version <= version);
        let lines = collection.history.range(begin..).map(|event| event.line.clone()).collect();
        Ok((lines, self.version.max(version)))
    }

    /// Where a watch begins that tells again what was told before.
    pub fn replayed(&self, kind: Kind, version: u64) -> u64 {
        let compacted = self.collections[&kind].compacted;
        if version < compacted { version } else { version.saturating_sub(REPLAYED).max(compacted) }
    }
}

fn page_at(objects: &[Bytes], version: u64, from: usize, limit: usize) -> Page {
    let page: Vec<Bytes> = objects.iter().skip(from).take(limit).cloned().collect();
    let next = from + page.len();
    let token = if next < objects.len() { format!("{version}.{next}") } else { String::new() };
    Page { version, objects: page, token }
}
