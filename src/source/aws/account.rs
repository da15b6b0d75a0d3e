//! Whose cluster it is: names of zones differ between accounts, and spot prices are told by zone.

/// The account in the ARN of an EKS cluster, `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`, as `aws eks update-kubeconfig`
/// names contexts and clusters.
pub(super) fn of_cluster(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let (is_arn, partition, service) = (parts.next()? == "arn", parts.next()?, parts.next()?);
    let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_eks = is_arn && partition.starts_with("aws") && service == "eks" && resource.starts_with("cluster/");
    (is_eks && is_account).then_some(account)
}

/// What to say where the credentials are of another account; `None` where all is well.
pub(super) fn warning(of_cluster: &str, of_credentials: &str) -> Option<String> {
    (of_cluster != of_credentials).then(|| {
        format!(
            "the AWS credentials are of account {of_credentials}, the cluster is of {of_cluster}: a zone may have \
             another name there, so spot prices may be those of another zone"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_read_from_an_arn_and_from_nothing_else() {
        let account = Some("123456789012");
        assert_eq!(of_cluster("arn:aws:eks:us-east-1:123456789012:cluster/ml"), account);
        assert_eq!(of_cluster("arn:aws-us-gov:eks:us-gov-west-1:123456789012:cluster/ml"), account);
        for other in ["", "ml", "kind-ml", "arn:aws:iam::123456789012:role/x", "arn:aws:eks:us-east-1:12:cluster/ml"] {
            assert_eq!(of_cluster(other), None, "{other}");
        }
    }

    #[test]
    fn only_another_account_is_worth_a_word() {
        assert_eq!(warning("123456789012", "123456789012"), None);
        assert!(warning("123456789012", "210987654321").is_some_and(|words| words.contains("of account 2109")));
    }
}
