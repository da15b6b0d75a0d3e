//! The AWS SDK behind the trait [`Api`]: configuration, five requests, and their errors. No other file uses the SDK.

use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{self as ec2, RiProductDescription};
use aws_sdk_pricing::types::{Filter, FilterType};
use aws_types::service_config::ServiceConfigKey;
use tokio::sync::Mutex;

use super::api::{Api, Page, PlacementRow, ProductsQuery};
use super::failure::{Failure, ServiceError};
use super::hardware::{AcceleratorInfo, Device, InstanceDescription};
use super::spot::{LINUX_PRODUCTS, SpotRow};
use crate::fleet::{PlacementConfiguration, Sym};
use crate::units::Time;

/// Time for TCP and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);
/// Time from a request to the first byte of its response.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for all attempts and the waits between them.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(45);

/// Largest page size of `DescribeInstanceTypes` and `GetProducts`.
const PAGE_SIZE: i32 = 100;
/// Page size of `DescribeSpotPriceHistory`.
const SPOT_PAGE_SIZE: i32 = 2_000;

/// The SDK, configured at the first request.
#[derive(Clone, Default)]
pub(super) struct Sdk {
    /// Configuration that the clients share, including cached credentials.
    shared: Arc<Mutex<Option<SdkConfig>>>,
}

impl Sdk {
    /// Credentials come from the default chain: environment, profiles (SSO, roles, processes), web identity, EKS Pod
    /// Identity and ECS, the instance. The region is that of the cluster, whatever the environment says.
    async fn config(&self, region: &str) -> SdkConfig {
        let mut shared = self.shared.lock().await;
        if let Some(config) = shared.as_ref() {
            return config.clone();
        }
        let config = loader(region).load().await;
        shared.insert(config).clone()
    }

    /// Drops the configuration after a failure of the credentials, so that the next request reads the profiles again.
    async fn forget(&self, failure: &Failure) {
        if failure.is_about_credentials() {
            *self.shared.lock().await = None;
        }
    }

    async fn ec2(&self, region: &str) -> aws_sdk_ec2::Client {
        let config = aws_sdk_ec2::config::Builder::from(&self.config(region).await);
        aws_sdk_ec2::Client::from_conf(config.region(Region::new(region.to_owned())).build())
    }

    async fn pricing(&self, region: &str) -> aws_sdk_pricing::Client {
        let config = aws_sdk_pricing::config::Builder::from(&self.config(region).await);
        aws_sdk_pricing::Client::from_conf(config.region(Region::new(region.to_owned())).build())
    }

    async fn sts(&self, region: &str) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::config::Builder::from(&self.config(region).await);
        aws_sdk_sts::Client::from_conf(config.region(Region::new(region.to_owned())).build())
    }

    async fn ask<T, E>(
        &self,
        action: &'static str,
        answer: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let failure = failure(action, &error);
                self.forget(&failure).await;
                Err(failure)
            }
        }
    }
}

fn loader(region: &str) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    // A fixed version: `latest()` would change the behaviour with an update of the crate.
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.to_owned()))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard())
}

impl Api for Sdk {
    async fn spot_prices(
        &self,
        region: &str,
        types: &[Sym],
        since: Time,
        token: Option<String>,
    ) -> Result<Page<SpotRow>, Failure> {
        let request = self.ec2(region).await.describe_spot_price_history();
        let request = request
            .set_instance_types(Some(types.iter().map(|name| ec2::InstanceType::from(name.as_str())).collect()))
            .set_product_descriptions(Some(LINUX_PRODUCTS.map(str::to_owned).to_vec()))
            .start_time(aws_sdk_ec2::primitives::DateTime::from_secs(since.seconds()))
            .max_results(SPOT_PAGE_SIZE)
            .set_next_token(token);
        let answer = self.ask("ec2:DescribeSpotPriceHistory", request.send()).await?;
        let items = answer.spot_price_history().iter().map(spot_row).collect();
        Ok(Page { items, token: answer.next_token })
    }

    async fn placement_scores(
        &self,
        region: &str,
        configuration: &PlacementConfiguration,
        token: Option<String>,
    ) -> Result<Page<PlacementRow>, Failure> {
        let request = self.ec2(region).await.get_spot_placement_scores();
        let request = request
            .set_instance_types(Some(configuration.instance_types.iter().map(ToString::to_string).collect()))
            .target_capacity(i32::try_from(configuration.instances).unwrap_or(i32::MAX))
            .target_capacity_unit_type(ec2::TargetCapacityUnitType::Units)
            .single_availability_zone(true)
            .region_names(region)
            .max_results(PAGE_SIZE)
            .set_next_token(token);
        let answer = self.ask("ec2:GetSpotPlacementScores", request.send()).await?;
        let row = |row: &ec2::SpotPlacementScore| PlacementRow {
            zone_id: row.availability_zone_id().unwrap_or_default().to_owned(),
            score: row.score().unwrap_or_default(),
        };
        Ok(Page { items: answer.spot_placement_scores().iter().map(row).collect(), token: answer.next_token })
    }

    async fn products(&self, query: &ProductsQuery, token: Option<String>) -> Result<Page<String>, Failure> {
        let filters = query.filters.iter().map(|(field, value)| term(field, value)).collect::<Result<Vec<_>, _>>()?;
        let request = self.pricing(query.endpoint).await.get_products();
        let request =
            request.service_code(query.service).set_filters(Some(filters)).max_results(PAGE_SIZE).set_next_token(token);
        let answer = self.ask("pricing:GetProducts", request.send()).await?;
        Ok(Page { items: answer.price_list.unwrap_or_default(), token: answer.next_token })
    }

    async fn instance_types(
        &self,
        region: &str,
        names: &[Sym],
        token: Option<String>,
    ) -> Result<Page<InstanceDescription>, Failure> {
        // A filter ignores unknown names; an unknown name in `InstanceTypes` would fail the whole request.
        let values = names.iter().map(ToString::to_string).collect();
        let filter = ec2::Filter::builder().name("instance-type").set_values(Some(values)).build();
        let request = self.ec2(region).await.describe_instance_types();
        let request = request.filters(filter).max_results(PAGE_SIZE).set_next_token(token);
        let answer = self.ask("ec2:DescribeInstanceTypes", request.send()).await?;
        let items = answer.instance_types().iter().map(described).collect();
        Ok(Page { items, token: answer.next_token })
    }

    async fn account(&self, region: &str) -> Result<String, Failure> {
        let request = self.sts(region).await.get_caller_identity();
        let answer = self.ask("sts:GetCallerIdentity", request.send()).await?;
        answer.account.ok_or_else(|| Failure::Unreadable("no account".to_owned()))
    }

    async fn endpoints(&self, region: &str) -> String {
        let config = self.config(region).await;
        let chosen = ["EC2", "Pricing"].map(|service| endpoint(&config, service).unwrap_or_default());
        chosen.join(" ").trim().to_owned()
    }
}

/// Endpoint from environment or profile, resolved as the clients do: for the service, else for all services.
fn endpoint(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let of_service = config.service_config().zip(key.ok()).and_then(|(all, key)| all.load_config(key));
    of_service.or_else(|| config.endpoint_url().map(str::to_owned))
}

fn term(field: &str, value: &str) -> Result<Filter, Failure> {
    let filter = Filter::builder().r#type(FilterType::TermMatch).field(field).value(value);
    filter.build().map_err(|error| Failure::Unreadable(error.to_string()))
}

fn spot_row(row: &ec2::SpotPrice) -> SpotRow {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    SpotRow {
        instance_type: text(row.instance_type().map(ec2::InstanceType::as_str)),
        zone: text(row.availability_zone()),
        zone_id: text(row.availability_zone_id()),
        product: text(row.product_description().map(RiProductDescription::as_str)),
        usd: text(row.spot_price()),
        at: row.timestamp().map(|at| Time::from_seconds(at.secs())),
    }
}

fn described(of: &ec2::InstanceTypeInfo) -> InstanceDescription {
    InstanceDescription {
        name: of.instance_type().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        vcpus: of.v_cpu_info().and_then(ec2::VCpuInfo::default_v_cpus),
        memory_mib: of.memory_info().and_then(ec2::MemoryInfo::size_in_mib),
        gpu: of.gpu_info().map(gpu),
        neuron: of.neuron_info().map(neuron),
        inference: of.inference_accelerator_info().map(inference),
    }
}

fn gpu(of: &ec2::GpuInfo) -> AcceleratorInfo {
    let device = |of: &ec2::GpuDeviceInfo| Device {
        name: of.name().unwrap_or_default().to_owned(),
        count: of.count(),
        logical: of.logical_gpu_count(),
        memory_mib: of.memory_info().and_then(ec2::GpuDeviceMemoryInfo::size_in_mib),
    };
    AcceleratorInfo { devices: of.gpus().iter().map(device).collect(), total_mib: of.total_gpu_memory_in_mib() }
}

fn neuron(of: &ec2::NeuronInfo) -> AcceleratorInfo {
    let device = |of: &ec2::NeuronDeviceInfo| Device {
        name: of.name().unwrap_or_default().to_owned(),
        count: of.count(),
        logical: None,
        memory_mib: of.memory_info().and_then(ec2::NeuronDeviceMemoryInfo::size_in_mib),
    };
    let devices = of.neuron_devices().iter().map(device).collect();
    AcceleratorInfo { devices, total_mib: of.total_neuron_device_memory_in_mib() }
}

fn inference(of: &ec2::InferenceAcceleratorInfo) -> AcceleratorInfo {
    let device = |of: &ec2::InferenceDeviceInfo| Device {
        name: of.name().unwrap_or_default().to_owned(),
        count: of.count(),
        logical: None,
        memory_mib: of.memory_info().and_then(ec2::InferenceDeviceMemoryInfo::size_in_mib),
    };
    AcceleratorInfo {
        devices: of.accelerators().iter().map(device).collect(),
        total_mib: of.total_inference_memory_in_mib(),
    }
}

/// Classifies the error of a request. Credentials are loaded during the request, so their errors are found in it, too.
fn failure<E: ProvideErrorMetadata + StdError + 'static>(action: &'static str, error: &SdkError<E>) -> Failure {
    if let Some(failure) = credentials_failure(error) {
        return failure;
    }
    match error {
        // The SDK reports a successful response that it cannot parse as an error of the service.
        SdkError::ServiceError(answer) if answer.raw().status().is_success() => Failure::Unreadable(root_cause(error)),
        SdkError::ServiceError(answer) => {
            let metadata = answer.err().meta();
            Failure::from_service(&ServiceError {
                action,
                status: answer.raw().status().as_u16(),
                code: metadata.code(),
                message: metadata.message().unwrap_or_default(),
            })
        }
        SdkError::ResponseError(_) => Failure::Unreadable(root_cause(error)),
        SdkError::TimeoutError(_) => Failure::Unreachable("no answer in time".to_owned()),
        _ => Failure::Unreachable(root_cause(error)),
    }
}

/// The failure of the credentials providers, if they caused the error.
fn credentials_failure(error: &(dyn StdError + 'static)) -> Option<Failure> {
    let provider_error = chain(error).filter(|cause| cause.is::<CredentialsError>()).last()?;
    Some(match provider_error.downcast_ref::<CredentialsError>() {
        // Its message lists every provider that was tried; it is left out.
        Some(CredentialsError::CredentialsNotLoaded(_)) => Failure::NoCredentials(String::new()),
        _ => Failure::from_credentials(&root_cause(provider_error)),
    })
}

fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

/// Message of the innermost cause, which is the specific one.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests;
