//! The AWS account of the cluster. Zone names are mapped per account, and spot prices are listed by zone name: with
//! credentials of another account, a price may belong to another zone.

/// The 12-digit account in the ARN of an EKS cluster, `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`, as `aws eks
/// update-kubeconfig` names contexts and clusters.
pub(super) fn cluster_account(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let (is_arn, partition, service) = (parts.next()? == "arn", parts.next()?, parts.next()?);
    let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_eks = is_arn && partition.starts_with("aws") && service == "eks" && resource.starts_with("cluster/");
    (is_eks && is_account).then_some(account)
}

/// The warning for credentials of another account than the cluster's; `None` if both are the same.
pub(super) fn warning(cluster_account: &str, credentials_account: &str) -> Option<String> {
    (cluster_account != credentials_account).then(|| {
        format!(
            "the AWS credentials belong to account {credentials_account}, the cluster to account {cluster_account}: zone \
             names differ between accounts, so spot prices may be those of another zone"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_read_only_from_the_arn_of_an_eks_cluster() {
        let account = Some("123456789012");
        assert_eq!(cluster_account("arn:aws:eks:us-east-1:123456789012:cluster/ml"), account);
        assert_eq!(cluster_account("arn:aws-us-gov:eks:us-gov-west-1:123456789012:cluster/ml"), account);
        for other in ["", "ml", "kind-ml", "arn:aws:iam::123456789012:role/x", "arn:aws:eks:us-east-1:12:cluster/ml"] {
            assert_eq!(cluster_account(other), None, "{other}");
        }
    }

    #[test]
    fn only_credentials_of_another_account_give_a_warning() {
        assert_eq!(warning("123456789012", "123456789012"), None);
        assert!(warning("123456789012", "210987654321").is_some_and(|words| words.contains("belong to account 2109")));
    }
}
