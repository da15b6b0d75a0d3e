//! Names and identifiers in the forms that Kubernetes, Karpenter and EC2 give them.

use super::rng::Rng;

/// The alphabet of generated names: no vowels, no look-alikes (apimachinery `util/rand`).
const NAME: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const HEX: &[u8] = b"0123456789abcdef";

/// Five characters, as `generateName` appends them.
pub(super) fn suffix(rng: &mut Rng) -> String {
    rng.text(5, NAME)
}

/// Ten characters, as the hash of a pod template looks in a ReplicaSet's name.
pub(super) fn template_hash(rng: &mut Rng) -> String {
    rng.text(10, NAME)
}

/// A version 4 UUID.
pub(super) fn uid(rng: &mut Rng) -> String {
    let high = (rng.bits() & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (rng.bits() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    let hex = format!("{high:016x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// An EC2 instance id.
pub(super) fn instance_id(rng: &mut Rng) -> String {
    format!("i-0{}", rng.text(16, HEX))
}

/// An Amazon Machine Image id.
pub(super) fn image_id(rng: &mut Rng) -> String {
    format!("ami-0{}", rng.text(16, HEX))
}

/// The private address of the `host`-th instance of a zone's subnet (a /20 of 10.0.0.0/16).
pub(super) fn node_address(zone: usize, host: u32) -> String {
    let third = zone * 16 + (host / 250 % 16) as usize;
    format!("10.0.{third}.{}", host % 250 + 4)
}

/// A pod's address in the secondary range.
pub(super) fn pod_address(number: u32) -> String {
    format!("100.64.{}.{}", number / 250 % 250, number % 250 + 4)
}

/// The name that EC2's resource naming gives an instance in us-east-1.
pub(super) fn node_name(address: &str) -> String {
    format!("ip-{}.ec2.internal", address.replace('.', "-"))
}

#[cfg(test)]
mod tests {
    use super::{Rng, node_address, node_name, uid};

    #[test]
    fn a_uid_is_a_version_4_uuid() {
        let mut rng = Rng::new(3);
        for _ in 0..50 {
            let text = uid(&mut rng);
            assert_eq!(text.len(), 36);
            assert_eq!(text.as_bytes()[14], b'4');
            assert!(b"89ab".contains(&text.as_bytes()[19]), "{text}");
        }
    }

    #[test]
    fn a_node_is_named_after_its_address() {
        assert_eq!(node_name(&node_address(0, 13)), "ip-10-0-0-17.ec2.internal");
        assert_eq!(node_name(&node_address(1, 251)), "ip-10-0-17-5.ec2.internal");
    }
}
