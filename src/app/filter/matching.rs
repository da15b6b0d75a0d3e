//! Which rows meet a filter.

use super::asked::Asked;
use super::parse;
use super::term::{GpuUse, Part, Term, Test};
use crate::app::depends::VERDICTS;
use crate::app::devices::{DeviceGroup, DeviceGroupRow, DeviceRow};
use crate::app::field::Field;
use crate::app::rows::RowRef;
use crate::app::{App, TableSpec, notice, status};
use crate::fleet::{NodeClaimRow, ObjectKey, PodRow, Sym};
use crate::insight::cost::{Cost, CostGroup, CostKey, CostSource};
use crate::insight::insights::Dependency;
use crate::insight::relation;
use crate::insight::spot::SpotPool;

/// The words that a filter of a table knows, as help lists them.
pub fn words(table: &TableSpec) -> Vec<String> {
    table.fields.iter().flat_map(|field| field.forms().iter().map(|form| format!("{}{form}", field.name()))).collect()
}

/// A filter that has been read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    terms: Vec<Term>,
    /// Why a term could not be read; it is left out.
    pub errors: Vec<String>,
}

impl Filter {
    /// Reads a filter for the rows of a table.
    pub fn parse(text: &str, table: &TableSpec) -> Self {
        let mut filter = Self::default();
        for word in text.split_whitespace() {
            match parse::term(word, table) {
                Ok(term) => filter.terms.extend(term),
                Err(error) => filter.errors.push(error),
            }
        }
        filter
    }

    /// Whether every row meets it.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What changes which rows meet it, besides the kinds of the rows themselves.
    pub fn dependencies(&self, table: &TableSpec) -> Vec<Dependency> {
        let of_test = |test: &Test| match test {
            Test::Contains(field, _) | Test::Is(field, _) | Test::Compare(field, ..) => field.dependencies().to_vec(),
            Test::Uses(_) => Field::Class.dependencies().iter().chain(Field::Gpu.dependencies()).copied().collect(),
            // What holds a Node, and how long a protection does, is text, too.
            Test::Text(_) => table.joined_dependencies().chain([VERDICTS, Dependency::Minute]).collect(),
        };
        self.terms.iter().flat_map(|term| &term.any).flat_map(of_test).collect()
    }

    /// Whether a payer meets every term. Of those with machines that nobody prices the price is `unknown`.
    pub fn meets_payer(&self, payer: &CostKey, unpriced: u64) -> bool {
        let name = payer.1.words(payer.0).to_lowercase();
        let has = |text: Option<&Sym>, part: &Part| text.is_some_and(|text| part.is_in(text));
        let kind = || if let CostGroup::Owner(kind, _) = &payer.1 { Some(kind) } else { None };
        let meets = |test: &Test| match test {
            Test::Text(part) | Test::Contains(Field::Name, part) => part.is_in(&name),
            Test::Contains(Field::Namespace, part) => has(payer.1.namespace(), part),
            Test::Contains(Field::Kind, part) => has(kind(), part),
            Test::Contains(Field::Price, part) => {
                (if unpriced > 0 { "unknown" } else { "known" }).starts_with(&part.text)
            }
            Test::Contains(..) | Test::Is(..) | Test::Uses(_) | Test::Compare(..) => false,
        };
        self.all_met(meets)
    }

    /// Whether a group of devices meets every term. Of those with devices that nobody prices the price is `unknown`.
    pub fn meets_device_group(&self, row: &DeviceGroupRow) -> bool {
        let namespace = || match &row.key.1 {
            DeviceGroup::Job(job) => Some(&job.namespace),
            _ => None,
        };
        let meets = |test: &Test| match test {
            Test::Text(part) | Test::Contains(Field::Name, part) => part.is_in(&row.name),
            Test::Contains(Field::Namespace, part) => namespace().is_some_and(|namespace| part.is_in(namespace)),
            Test::Contains(Field::Price, part) => {
                (if row.sums.unpriced > 0 { "unknown" } else { "known" }).starts_with(&part.text)
            }
            Test::Contains(..) | Test::Is(..) | Test::Uses(_) | Test::Compare(..) => false,
        };
        self.all_met(meets)
    }

    /// Whether a spot pool meets every term.
    pub fn meets_spot_pool(&self, pool: &SpotPool) -> bool {
        self.all_met(|test| spot_pool_meets(test, pool))
    }

    /// Whether a row that has nothing but these texts meets every term.
    pub fn meets_texts(&self, texts: &[(Field, &str)]) -> bool {
        let meets = |test: &Test| match test {
            Test::Text(part) => texts.iter().any(|(_, text)| part.is_in(text)),
            Test::Contains(field, part) => texts.iter().any(|(of, text)| of == field && part.is_in(text)),
            Test::Is(..) | Test::Uses(_) | Test::Compare(..) => false,
        };
        self.all_met(meets)
    }

    /// Whether a device meets every term.
    pub fn meets_device<'a>(&self, row: &DeviceRow<'a>, asked: &Asked<'a>) -> bool {
        self.all_met(|test| device_meets(test, row, asked))
    }

    /// Whether a row meets every term.
    pub fn matches<'a>(&self, row: RowRef<'a>, asked: &Asked<'a>) -> bool {
        let is_met = |term: &Term| {
            // Of what has no number it is known neither that it is more nor that it is not.
            let is_unknown =
                |test: &Test| matches!(test, Test::Compare(field, ..) if asked.number(*field, row).is_none());
            term.any.iter().any(|test| meets(test, row, asked)) == term.wanted
                && (term.wanted || !term.any.iter().any(is_unknown))
        };
        self.terms.iter().all(is_met)
    }

    fn all_met(&self, meets: impl Fn(&Test) -> bool) -> bool {
        self.terms.iter().all(|term| term.any.iter().any(&meets) == term.wanted)
    }

    /// Whether every row that meets it also meets `before`.
    pub fn narrows(&self, before: &Self) -> bool {
        before.terms.iter().all(|old| self.terms.iter().any(|new| new.implies(old)))
    }
}

fn meets<'a>(test: &Test, row: RowRef<'a>, asked: &Asked<'a>) -> bool {
    let app = asked.app();
    match test {
        Test::Compare(field, comparison, than) => {
            asked.number(*field, row).is_some_and(|number| comparison.holds(number, *than))
        }
        Test::Uses(GpuUse::Idle) => asked.has_idle_gpus(row),
        Test::Uses(GpuUse::Busy) => row.is_of_gpus(app) && !asked.has_idle_gpus(row),
        Test::Contains(Field::Node, part) => node_name(row, app).is_some_and(|node| part.is_in(&node)),
        Test::Contains(Field::Image, part) => is_in_image(part, row, app),
        Test::Text(part) => is_in_text(part, row, app) || asked.is_in_words(part, row),
        Test::Contains(field, part) => field_text(*field, row, app).is_some_and(|text| part.is_in(text)),
        Test::Is(Field::Gpu, wanted) => row.is_of_gpus(app) == *wanted,
        // What is not known is neither.
        Test::Is(Field::Held, wanted) => status::protection(row, app).is_some_and(|it| it.is_held == Some(*wanted)),
        Test::Is(Field::Drifted, wanted) => is_drifted(row, app) == *wanted,
        Test::Is(Field::Protected, wanted) if matches!(row, RowRef::Node(_)) => {
            status::protection(row, app).is_some_and(|it| it.is_protected == Some(*wanted))
        }
        Test::Is(_, wanted) => is_protected(row, app) == *wanted,
    }
}

/// Text without a key is looked for in the names of the pool, of its NodePools and of its Jobs.
fn spot_pool_meets(test: &Test, pool: &SpotPool) -> bool {
    let has = |name: Option<&Sym>, part: &Part| name.is_some_and(|name| part.is_in(name));
    let is_of_job = |is: &dyn Fn(&ObjectKey) -> bool| pool.stake.jobs.keys().any(is);
    let is_in_node_pool = |part: &Part| pool.node_pools.iter().any(|name| part.is_in(name));
    match test {
        Test::Text(part) => {
            part.is_in(&pool.key.to_string())
                || part.is_in(pool.state.name())
                || is_in_node_pool(part)
                || is_of_job(&|job| is_in_key(part, job))
        }
        Test::Contains(Field::Name, part) => part.is_in(&pool.key.to_string()),
        Test::Contains(Field::Type, part) => has(pool.key.instance_type.as_ref(), part),
        Test::Contains(Field::Zone, part) => has(pool.key.zone.as_ref(), part),
        Test::Contains(Field::Pool, part) => is_in_node_pool(part),
        Test::Contains(Field::Status, part) => part.is_in(pool.state.name()),
        Test::Contains(Field::Node, part) => pool.members.keys().any(|name| part.is_in(name)),
        Test::Contains(Field::Job, part) => is_of_job(&|job| part.is_in(&job.name)),
        Test::Contains(Field::Namespace, part) => is_of_job(&|job| part.is_in(&job.namespace)),
        Test::Contains(Field::Price, part) => {
            (if pool.stake.unpriced > 0 { "unknown" } else { "known" }).starts_with(&part.text)
        }
        Test::Contains(..) | Test::Is(..) | Test::Uses(_) | Test::Compare(..) => false,
    }
}

/// What is not asked of the device itself is asked of its Node.
fn device_meets<'a>(test: &Test, row: &DeviceRow<'a>, asked: &Asked<'a>) -> bool {
    let app = asked.app();
    let is_in_pod = |part: &Part| row.holders().into_iter().any(|pod| is_in_key(part, pod));
    let is_in_job = |part: &Part| row.pod(app).and_then(PodRow::job_owner).is_some_and(|job| part.is_in(&job.name));
    let is_in_model = |part: &Part| row.model().is_some_and(|model| part.is_in(model));
    match test {
        Test::Text(part) => {
            let uuid = row.reading().map(|reading| &reading.uuid);
            uuid.is_some_and(|uuid| part.is_in(uuid))
                || is_in_pod(part)
                || is_in_job(part)
                || is_in_model(part)
                || is_in_text(part, RowRef::Node(row.node), app)
        }
        Test::Contains(Field::Model, part) => is_in_model(part),
        Test::Contains(Field::Pod, part) => is_in_pod(part),
        Test::Contains(Field::Job, part) => is_in_job(part),
        Test::Contains(Field::Namespace, part) => row.holders().into_iter().any(|pod| part.is_in(&pod.namespace)),
        Test::Contains(Field::Class, part) => part.is_in(row.class().name()),
        Test::Uses(GpuUse::Idle) => row.class().is_waste(),
        Test::Uses(GpuUse::Busy) => row.class().is_working(),
        Test::Compare(Field::Dollars, comparison, than) => row.rate.is_some_and(|rate| comparison.holds(rate, *than)),
        test => meets(test, RowRef::Node(row.node), asked),
    }
}

/// Whether the start of a pod is known to want such an image.
fn is_in_image(part: &Part, row: RowRef<'_>, app: &App) -> bool {
    let RowRef::Pod(pod) = row else { return false };
    let start = app.insights.starts.of_pod(&pod.meta.key);
    start.is_some_and(|start| start.images.iter().any(|image| part.is_in(&image.image)))
}

fn node_name(row: RowRef<'_>, app: &App) -> Option<Sym> {
    match row {
        RowRef::Event(event) => relation::node_of_event(&app.fleet, event),
        _ => row.node().cloned(),
    }
}

/// Whatever stops Karpenter from replacing it now.
fn is_drifted(row: RowRef<'_>, app: &App) -> bool {
    let claim = match row {
        RowRef::Node(node) => app.fleet.claim_of(node),
        RowRef::Claim(claim) => Some(claim),
        _ => None,
    };
    claim.is_some_and(NodeClaimRow::is_drifted)
}

fn is_protected(row: RowRef<'_>, app: &App) -> bool {
    match row {
        RowRef::Pod(pod) => status::is_protected(pod, app),
        RowRef::Job(job) => app.fleet.pods_of_job(&job.meta.uid).any(|pod| status::is_protected(pod, app)),
        _ => false,
    }
}

fn field_text<'a>(field: Field, row: RowRef<'a>, app: &'a App) -> Option<&'a str> {
    fn text(sym: Option<&Sym>) -> Option<&str> {
        sym.map(Sym::as_str)
    }
    match (field, row) {
        (Field::Name, RowRef::Event(event)) => Some(&event.object.key.name),
        (Field::Name, _) => Some(&row.meta().key.name),
        (Field::Namespace, _) => Some(&row.meta().key.namespace),
        (Field::Pool, _) => text(row.node_pool(&app.fleet)),
        (Field::Type, _) => text(row.instance_type()),
        (Field::Zone, _) => text(row.zone()),
        (Field::Capacity, _) => row.capacity(),
        (Field::Status, _) => Some(status::word(row, app)),
        (Field::Start, RowRef::Pod(pod)) => status::start(pod, app),
        (Field::Owner, _) => text(row.owner()),
        (Field::Job, _) => text(row.job()),
        (Field::Verdict, _) => status::judged(row, app).map(|it| it.verdict.name()),
        (Field::Price, RowRef::Node(node)) => Some(price_word(&app.insights.picture.node(&node.meta.key.name)?.cost)),
        (Field::Price, RowRef::Claim(claim)) => Some(price_word(app.insights.picture.claim(claim)?.cost.as_ref()?)),
        (Field::Class, _) => status::gpu_state(row, app).map(|state| state.activity.class.name()),
        (Field::By, _) => status::judged(row, app)?.by.as_deref(),
        (Field::Kind, RowRef::Event(event)) => Some(&event.object.kind),
        (Field::Reason, RowRef::Event(event)) => Some(&event.reason),
        (Field::Source, RowRef::Event(event)) => Some(&event.source),
        (Field::Message, RowRef::Event(event)) => Some(&event.message),
        _ => None,
    }
}

/// The source of a price, or that it has none, as the JSON writes it.
fn price_word(cost: &Cost) -> &'static str {
    cost.source().map_or("Unknown", CostSource::name)
}

/// Whether a term without key is in what identifies a row.
fn is_in_text(part: &Part, row: RowRef<'_>, app: &App) -> bool {
    let key = match row {
        RowRef::Event(event) => &event.object.key,
        _ => &row.meta().key,
    };
    is_in_key(part, key) || texts(row, app).any(|text| part.is_in(text))
}

fn is_in_key(part: &Part, key: &ObjectKey) -> bool {
    if part.text.contains('/') {
        return part.is_in(&key.to_string());
    }
    part.is_in(&key.name) || part.is_in(&key.namespace)
}

/// What a term without key is looked for in, besides namespace and name.
fn texts<'a>(row: RowRef<'a>, app: &'a App) -> impl Iterator<Item = &'a str> {
    let places = [row.node_pool(&app.fleet), row.node(), row.instance_type(), row.zone(), row.owner()];
    let words = [row.capacity(), Some(status::word(row, app))];
    let of_event = match row {
        RowRef::Event(event) => {
            [Some(&event.object.kind), Some(&event.reason), Some(&event.source), Some(&event.message)]
        }
        _ => [None; 4],
    };
    let symbols = places.into_iter().chain(of_event).flatten().map(Sym::as_str);
    symbols.chain(words.into_iter().flatten())
}

/// Why a part of the filter of the shown level could not be read; that part is left out.
pub fn error(app: &App) -> Option<String> {
    let level = &app.ui.level;
    Filter::parse(&level.filter, level.table()).errors.into_iter().next()
}

/// Says what could not be read in the filter of the shown level.
pub fn report(app: &mut App) {
    if let Some(error) = error(app) {
        notice::warning(app, error);
    }
}
