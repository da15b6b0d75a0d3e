//! Makes one API call and reads its pages.

use std::collections::BTreeMap;

use super::api::{Api, Page, ProductsQuery};
use super::failure::Failure;
use super::hardware;
use super::products::{ItemKind, PriceListReader};
use super::query::{ApiCall, Query, filters, pricing_endpoint};
use super::request::{Answer, PriceItem};
use super::spot::{SpotHistoryReader, SpotPriceReader, SpotRow};
use super::token_bucket::TokenBucket;
use crate::fleet::{PlacementConfiguration, SPOT_HISTORY_SECONDS, Sym};
use crate::units::Time;

/// Most pages that are read of one response. All on-demand prices of a region take some 14.
const MAX_PAGES: usize = 60;

/// Answers found in all pages of one API call.
#[derive(Default)]
pub(super) struct QueryResult {
    /// May include items that were not asked for.
    pub(super) answers: Vec<(PriceItem, Answer)>,
    /// Items that could not be parsed.
    pub(super) unreadable: u64,
    /// Whether the response has more pages than [`MAX_PAGES`].
    pub(super) is_truncated: bool,
}

/// Makes the call, at the rate of the token bucket.
///
/// # Errors
/// When one of the requests fails; answers of earlier pages are dropped then.
pub(super) async fn fetch<A: Api>(
    api: &A,
    bucket: &mut TokenBucket,
    call: &ApiCall,
    now: Time,
) -> Result<QueryResult, Failure> {
    match &call.query {
        Query::Spot(types) => spot(api, bucket, (&call.region, types), now).await,
        Query::SpotHistory(types) => spot_history(api, bucket, (&call.region, types), now).await,
        Query::Placement(configuration) => placement(api, bucket, call, configuration).await,
        Query::Hardware(names) => described(api, bucket, &call.region, names).await,
        Query::OnDemand(..) | Query::AllOnDemand(_) => products(api, bucket, call, ItemKind::OnDemand, now).await,
        Query::Fees | Query::Eks => products(api, bucket, call, ItemKind::Eks, now).await,
    }
}

/// Hands every row of spot prices in force since then to `add`; returns whether the response was truncated.
async fn spot_rows<A: Api>(
    api: &A,
    bucket: &mut TokenBucket,
    (region, types): (&str, &[Sym]),
    since: Time,
    mut add: impl FnMut(SpotRow),
) -> Result<bool, Failure> {
    let mut pages = Pages::default();
    while pages.is_another(bucket).await {
        pages.take_items(api.spot_prices(region, types, since, pages.token()).await?).into_iter().for_each(&mut add);
    }
    Ok(pages.is_truncated())
}

async fn spot<A: Api>(
    api: &A,
    bucket: &mut TokenBucket,
    of: (&str, &[Sym]),
    now: Time,
) -> Result<QueryResult, Failure> {
    let mut spot = SpotPriceReader::default();
    let is_truncated = spot_rows(api, bucket, of, now, |row| spot.add(row)).await?;
    Ok(QueryResult { unreadable: spot.unreadable, answers: spot.answers(), is_truncated })
}

async fn spot_history<A: Api>(
    api: &A,
    bucket: &mut TokenBucket,
    of: (&str, &[Sym]),
    now: Time,
) -> Result<QueryResult, Failure> {
    let mut history = SpotHistoryReader::default();
    let since = now.plus_seconds(-SPOT_HISTORY_SECONDS);
    let is_truncated = spot_rows(api, bucket, of, since, |row| history.add(row)).await?;
    Ok(QueryResult { unreadable: history.unreadable, answers: history.answers(now), is_truncated })
}

/// The highest placement score.
const BEST_SCORE: u8 = 10;

async fn placement<A: Api>(
    api: &A,
    bucket: &mut TokenBucket,
    call: &ApiCall,
    configuration: &PlacementConfiguration,
) -> Result<QueryResult, Failure> {
    let (mut pages, mut zones, mut unreadable) = (Pages::default(), BTreeMap::new(), 0);
    while pages.is_another(bucket).await {
        for row in pages.take_items(api.placement_scores(&call.region, configuration, pages.token()).await?) {
            match u8::try_from(row.score).ok().filter(|score| (1..=BEST_SCORE).contains(score)) {
                Some(score) if !row.zone_id.is_empty() => drop(zones.insert(Sym::new(&row.zone_id), score)),
                _ => unreadable += 1,
            }
        }
    }
    let answer = Answer::Placement(zones);
    let answers = call.answers.iter().map(|request| (request.item.clone(), answer.clone())).collect();
    Ok(QueryResult { answers, unreadable, is_truncated: pages.is_truncated() })
}

async fn described<A: Api>(
    api: &A,
    bucket: &mut TokenBucket,
    region: &str,
    names: &[Sym],
) -> Result<QueryResult, Failure> {
    let (mut pages, mut answers) = (Pages::default(), Vec::new());
    while pages.is_another(bucket).await {
        let types = pages.take_items(api.instance_types(region, names, pages.token()).await?);
        answers.extend(types.iter().map(hardware::answer));
    }
    Ok(QueryResult { answers, unreadable: 0, is_truncated: pages.is_truncated() })
}

async fn products<A: Api>(
    api: &A,
    bucket: &mut TokenBucket,
    call: &ApiCall,
    kind: ItemKind,
    now: Time,
) -> Result<QueryResult, Failure> {
    // Regions without an endpoint are filtered out before; see `Watcher::split_by_price_list`.
    let Some(endpoint) = pricing_endpoint(&call.region) else { return Ok(QueryResult::default()) };
    let (service, filters) = filters(&call.region, &call.query);
    let query = ProductsQuery { endpoint, service, filters };
    let (mut pages, mut reader) = (Pages::default(), PriceListReader::new(kind, now));
    while pages.is_another(bucket).await {
        let documents = pages.take_items(api.products(&query, pages.token()).await?);
        documents.iter().for_each(|document| reader.add(document));
    }
    Ok(QueryResult { unreadable: reader.unreadable, answers: reader.answers(), is_truncated: pages.is_truncated() })
}

/// Position in a paginated response.
#[derive(Default)]
struct Pages {
    read: usize,
    token: Option<String>,
}

impl Pages {
    /// Whether there is another page to read; if so, waits until the token bucket allows the request.
    async fn is_another(&mut self, bucket: &mut TokenBucket) -> bool {
        let is_another = self.read == 0 || (self.token.is_some() && self.read < MAX_PAGES);
        if is_another {
            bucket.acquire().await;
        }
        is_another
    }

    fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Takes the items of a page and its token; an empty token means that it is the last.
    fn take_items<T>(&mut self, page: Page<T>) -> Vec<T> {
        self.read += 1;
        self.token = page.token.filter(|token| !token.is_empty());
        page.items
    }

    fn is_truncated(&self) -> bool {
        self.token.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Items and tokens of a response with so many pages, and whether it was truncated.
    async fn read(pages_there_are: usize) -> (Vec<usize>, Vec<Option<String>>, bool) {
        let (mut items, mut asked) = (Vec::new(), Vec::new());
        let (mut bucket, mut pages) = (TokenBucket::new(Duration::ZERO, 1), Pages::default());
        while pages.is_another(&mut bucket).await {
            asked.push(pages.token());
            let token = if asked.len() < pages_there_are { asked.len().to_string() } else { String::new() };
            items.extend(pages.take_items(Page { items: vec![asked.len()], token: Some(token) }));
        }
        (items, asked, pages.is_truncated())
    }

    #[tokio::test]
    async fn pages_are_fetched_until_the_next_token_is_empty() {
        let (items, asked, is_truncated) = read(3).await;
        assert_eq!((items, is_truncated), (vec![1, 2, 3], false));
        assert_eq!(asked, [None, Some("1".to_owned()), Some("2".to_owned())]);
    }

    #[tokio::test]
    async fn a_paginated_answer_is_truncated_at_the_page_limit() {
        let (items, _, is_truncated) = read(usize::MAX).await;
        assert_eq!((items.len(), is_truncated), (MAX_PAGES, true));
    }
}
