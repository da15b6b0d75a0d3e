//! The few questions that are put to AWS, apart from the library that carries them.

use std::future::Future;

use super::failure::Failure;
use super::hardware::Described;
use super::spot::SpotRow;
use crate::fleet::Sym;
use crate::units::Time;

/// One page of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Leads to the next page; AWS ends with none or with an empty one.
    pub(super) token: Option<String>,
}

/// A question about prices: the service code, and what must match exactly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Products {
    /// The region of the endpoint.
    pub(super) endpoint: &'static str,
    pub(super) service: &'static str,
    pub(super) filters: Vec<(&'static str, String)>,
}

/// Who is asked. A token is that of the page before.
pub(super) trait Api: Clone + Send + Sync + 'static {
    /// The spot prices that hold at a time, and hence.
    fn spot_prices(
        &self,
        region: &str,
        types: &[Sym],
        since: Time,
        token: Option<String>,
    ) -> impl Future<Output = Result<Page<SpotRow>, Failure>> + Send;

    /// Items of the price list, each a JSON document.
    fn products(
        &self,
        asked: &Products,
        token: Option<String>,
    ) -> impl Future<Output = Result<Page<String>, Failure>> + Send;

    /// Instance types by name; names that EC2 does not know are left out.
    fn instance_types(
        &self,
        region: &str,
        names: &[Sym],
        token: Option<String>,
    ) -> impl Future<Output = Result<Page<Described>, Failure>> + Send;

    /// The account that the credentials are of.
    fn account(&self, region: &str) -> impl Future<Output = Result<String, Failure>> + Send;

    /// The endpoints that the user chose in place of AWS's own, empty where there are none. Asks nobody.
    fn endpoints(&self, region: &str) -> impl Future<Output = String> + Send;
}
