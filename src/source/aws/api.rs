//! The AWS requests that batchtop makes, as a trait: the SDK implements it, and a fake in tests.

use std::future::Future;

use super::failure::Failure;
use super::hardware::InstanceDescription;
use super::spot::SpotRow;
use crate::fleet::{PlacementConfiguration, Sym};
use crate::units::Time;

/// One page of a paginated response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// `NextToken`; the last page has none or an empty one.
    pub(super) token: Option<String>,
}

/// Arguments of `pricing:GetProducts`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ProductsQuery {
    /// Region of the Price List endpoint, for example `us-east-1`.
    pub(super) endpoint: &'static str,
    /// Service code, for example `AmazonEC2`.
    pub(super) service: &'static str,
    /// Attribute and value, matched exactly (`TERM_MATCH`).
    pub(super) filters: Vec<(&'static str, String)>,
}

/// One row of `GetSpotPlacementScores`; what the response lacks is empty or zero.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct PlacementRow {
    /// ID of the zone, for example `use1-az2`.
    pub(super) zone_id: String,
    /// 1 to 10.
    pub(super) score: i32,
}

/// AWS, as far as batchtop uses it. A `token` is the `NextToken` of the page before.
pub(super) trait Api: Clone + Send + Sync + 'static {
    /// `ec2:DescribeSpotPriceHistory`: prices in force at `since` and all later ones.
    fn spot_prices(
        &self,
        region: &str,
        types: &[Sym],
        since: Time,
        token: Option<String>,
    ) -> impl Future<Output = Result<Page<SpotRow>, Failure>> + Send;

    /// `ec2:GetSpotPlacementScores`: how likely a request for this is to succeed, for each zone of the region.
    fn placement_scores(
        &self,
        region: &str,
        configuration: &PlacementConfiguration,
        token: Option<String>,
    ) -> impl Future<Output = Result<Page<PlacementRow>, Failure>> + Send;

    /// `pricing:GetProducts`: items of the price list, each a JSON document.
    fn products(
        &self,
        query: &ProductsQuery,
        token: Option<String>,
    ) -> impl Future<Output = Result<Page<String>, Failure>> + Send;

    /// `ec2:DescribeInstanceTypes` by name; names that EC2 does not know are left out.
    fn instance_types(
        &self,
        region: &str,
        names: &[Sym],
        token: Option<String>,
    ) -> impl Future<Output = Result<Page<InstanceDescription>, Failure>> + Send;

    /// `sts:GetCallerIdentity`: the account of the credentials.
    fn account(&self, region: &str) -> impl Future<Output = Result<String, Failure>> + Send;

    /// Endpoints that environment or profile set in place of AWS's own; empty without any. Makes no request.
    fn endpoints(&self, region: &str) -> impl Future<Output = String> + Send;
}
