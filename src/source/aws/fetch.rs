//! Carries out one request, page by page.

use super::api::{Api, Page, Products};
use super::ask::{Ask, Of, filters, pricing_endpoint};
use super::failure::Failure;
use super::gate::Gate;
use super::hardware;
use super::products::{Harvest, Looking};
use super::spot::Spot;
use super::wants::{Answer, What};
use crate::fleet::Sym;
use crate::units::Time;

/// Pages that are read of one answer. All on-demand prices of a region are some 14.
const MOST_PAGES: usize = 60;

/// What a request found.
#[derive(Default)]
pub(super) struct Found {
    /// Also of what was not asked for.
    pub(super) answers: Vec<(What, Answer)>,
    /// Items that could not be read.
    pub(super) unreadable: u64,
    /// Whether there are more pages than are read.
    pub(super) is_cut_short: bool,
}

/// Asks, as fast as the gate allows.
pub(super) async fn fetch<A: Api>(api: &A, gate: &mut Gate, ask: &Ask, now: Time) -> Result<Found, Failure> {
    match &ask.of {
        Of::Spot(types) => spot(api, gate, &ask.region, types, now).await,
        Of::Hardware(names) => described(api, gate, &ask.region, names).await,
        Of::OnDemand(..) | Of::AllOnDemand(_) => products(api, gate, ask, Looking::OnDemand, now).await,
        Of::Fees | Of::Eks => products(api, gate, ask, Looking::Eks, now).await,
    }
}

async fn spot<A: Api>(api: &A, gate: &mut Gate, region: &str, types: &[Sym], now: Time) -> Result<Found, Failure> {
    let (mut pages, mut spot) = (Pages::default(), Spot::default());
    while pages.is_another(gate).await {
        let rows = pages.turn(api.spot_prices(region, types, now, pages.token()).await?);
        rows.into_iter().for_each(|row| spot.add(row));
    }
    Ok(Found { unreadable: spot.unreadable, answers: spot.answers(), is_cut_short: pages.is_cut_short() })
}

async fn described<A: Api>(api: &A, gate: &mut Gate, region: &str, names: &[Sym]) -> Result<Found, Failure> {
    let (mut pages, mut answers) = (Pages::default(), Vec::new());
    while pages.is_another(gate).await {
        let types = pages.turn(api.instance_types(region, names, pages.token()).await?);
        answers.extend(types.iter().map(hardware::answer));
    }
    Ok(Found { answers, unreadable: 0, is_cut_short: pages.is_cut_short() })
}

async fn products<A: Api>(api: &A, gate: &mut Gate, ask: &Ask, looking: Looking, now: Time) -> Result<Found, Failure> {
    // What has no endpoint is not wanted in the first place.
    let Some(endpoint) = pricing_endpoint(&ask.region) else { return Ok(Found::default()) };
    let (service, filters) = filters(&ask.region, &ask.of);
    let asked = Products { endpoint, service, filters };
    let (mut pages, mut harvest) = (Pages::default(), Harvest::new(looking, now));
    while pages.is_another(gate).await {
        let documents = pages.turn(api.products(&asked, pages.token()).await?);
        documents.iter().for_each(|document| harvest.add(document));
    }
    Ok(Found { unreadable: harvest.unreadable, answers: harvest.answers(), is_cut_short: pages.is_cut_short() })
}

/// Where one stands in an answer of many pages.
#[derive(Default)]
struct Pages {
    read: usize,
    token: Option<String>,
}

impl Pages {
    /// Whether there is another page to read, and the gate is open for it.
    async fn is_another(&mut self, gate: &mut Gate) -> bool {
        let is_another = self.read == 0 || (self.token.is_some() && self.read < MOST_PAGES);
        if is_another {
            gate.pass().await;
        }
        is_another
    }

    fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Takes what stands on a page; an empty token ends as none does.
    fn turn<T>(&mut self, page: Page<T>) -> Vec<T> {
        self.read += 1;
        self.token = page.token.filter(|token| !token.is_empty());
        page.items
    }

    fn is_cut_short(&self) -> bool {
        self.token.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The items and tokens of an answer of so many pages, and whether it was cut short.
    async fn read(pages_there_are: usize) -> (Vec<usize>, Vec<Option<String>>, bool) {
        let (mut items, mut asked) = (Vec::new(), Vec::new());
        let (mut gate, mut pages) = (Gate::new(Duration::ZERO, 1), Pages::default());
        while pages.is_another(&mut gate).await {
            asked.push(pages.token());
            let token = if asked.len() < pages_there_are { asked.len().to_string() } else { String::new() };
            items.extend(pages.turn(Page { items: vec![asked.len()], token: Some(token) }));
        }
        (items, asked, pages.is_cut_short())
    }

    #[tokio::test]
    async fn pages_follow_each_other_until_the_token_is_empty() {
        let (items, asked, is_cut_short) = read(3).await;
        assert_eq!((items, is_cut_short), (vec![1, 2, 3], false));
        assert_eq!(asked, [None, Some("1".to_owned()), Some("2".to_owned())]);
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_short() {
        let (items, _, is_cut_short) = read(usize::MAX).await;
        assert_eq!((items.len(), is_cut_short), (MOST_PAGES, true));
    }
}
