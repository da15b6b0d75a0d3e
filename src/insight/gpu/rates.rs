//! What each device of a Node costs: equal parts of the Node's rate for its boards, the part of a board by the slices of its
//! instances.

use super::partition;
use crate::fleet::DeviceReading;
use crate::units::money;

/// The rate of a Node, shared between its devices: its parts add up to it exactly.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeviceRates {
    /// Of each device of which a reading tells, in the order of the readings, in micro-dollars per hour.
    pub told: Vec<i64>,
    /// Of all other devices together, in micro-dollars per hour.
    pub silent: i64,
}

impl DeviceRates {
    /// Shares the rate of a Node, in micro-dollars per hour, that has so many boards, where that is known.
    pub fn of(rate: i64, physical: Option<i64>, readings: &[DeviceReading]) -> Self {
        let boards: Vec<&[DeviceReading]> = boards(readings).collect();
        let silent = silent_boards(physical, readings);
        if boards.is_empty() {
            return Self { told: Vec::new(), silent: rate };
        }
        let weights: Vec<i128> = boards.iter().map(|_| 1).chain([i128::from(silent)]).collect();
        let parts = money::split(rate, &weights);
        let told = boards.iter().zip(&parts).flat_map(|(board, part)| of_board(*part, board)).collect();
        Self { told, silent: parts.last().copied().unwrap_or(0) }
    }
}

/// How many boards of a Node that has so many are in none of its readings.
pub fn silent_boards(physical: Option<i64>, readings: &[DeviceReading]) -> i64 {
    let told = i64::try_from(boards(readings).count()).unwrap_or(i64::MAX);
    physical.map_or(0, |physical| physical.saturating_sub(told).max(0))
}

/// What a device weighs among others, in thousandths of a board.
pub fn weight(reading: &DeviceReading) -> u64 {
    match &reading.mig {
        Some(mig) => partition::weight(&mig.profile, reading.model.as_deref()),
        None => partition::WHOLE_WEIGHT,
    }
}

/// The readings board by board: they are ordered so that the instances of one stand together.
fn boards(readings: &[DeviceReading]) -> impl Iterator<Item = &[DeviceReading]> {
    readings.chunk_by(|one, next| one.uuid == next.uuid)
}

fn of_board(rate: i64, board: &[DeviceReading]) -> Vec<i64> {
    let weights: Vec<i128> = board.iter().map(|reading| i128::from(weight(reading).max(1))).collect();
    money::split(rate, &weights)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fleet::{MigInstance, Sym};
    use crate::insight::testing::bare_device;

    fn reading(board: u32, mig: Option<(u32, &str)>) -> DeviceReading {
        DeviceReading {
            index: Some(board),
            mig: mig.map(|(id, profile)| MigInstance { id, profile: Sym::new(profile) }),
            ..bare_device(&format!("GPU-{board}"))
        }
    }

    #[test]
    fn boards_share_equally_and_instances_by_their_slices() {
        let whole = [reading(0, None), reading(1, None)];
        assert_eq!(DeviceRates::of(101, Some(2), &whole), DeviceRates { told: vec![51, 50], silent: 0 });
        assert_eq!(DeviceRates::of(100, Some(4), &whole), DeviceRates { told: vec![25, 25], silent: 50 });
        assert_eq!(DeviceRates::of(100, None, &whole), DeviceRates { told: vec![50, 50], silent: 0 });
        assert_eq!(DeviceRates::of(100, Some(1), &whole), DeviceRates { told: vec![50, 50], silent: 0 });
        assert_eq!(DeviceRates::of(100, Some(8), &[]), DeviceRates { told: Vec::new(), silent: 100 });
        let split = [reading(0, Some((1, "3g.40gb"))), reading(0, Some((2, "1g.10gb"))), reading(1, None)];
        assert_eq!(DeviceRates::of(200_000, Some(2), &split).told, [75_000, 25_000, 100_000]);
        assert_eq!(
            (silent_boards(Some(2), &split), silent_boards(Some(8), &split), silent_boards(None, &split)),
            (0, 6, 0)
        );
    }

    proptest! {
        #[test]
        fn rates_of_the_devices_of_a_node_add_up_to_its_rate(
            rate in 0..400_000_000_i64,
            physical in proptest::option::of(-3..20_i64),
            boards in proptest::collection::vec(proptest::collection::vec("[0-9]g|1g\\.5gb|\\PC{0,4}", 0..8), 0..16),
        ) {
            let instances = (0_u32..).zip(&boards).flat_map(|(board, profiles)| {
                let whole = profiles.is_empty().then(|| reading(board, None));
                whole.into_iter().chain((0_u32..).zip(profiles).map(move |(id, profile)| reading(board, Some((id, profile)))))
            });
            let readings: Vec<DeviceReading> = instances.collect();
            let rates = DeviceRates::of(rate, physical, &readings);
            prop_assert_eq!(rates.told.len(), readings.len());
            prop_assert_eq!(rates.told.iter().sum::<i64>() + rates.silent, rate);
            prop_assert!(rates.told.iter().all(|part| *part >= 0) && rates.silent >= 0);
            prop_assert!(rates.silent == 0 || readings.is_empty() || silent_boards(physical, &readings) > 0);
        }
    }
}
