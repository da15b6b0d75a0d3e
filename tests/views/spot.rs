//! Spot capacity: Pools' spot pools, their details, and Fleet's view of it.

use batchtop::app::App;
use batchtop::fleet::*;

use crate::fixture::{ago, at, clock, event, fleet, frame, press, report, upsert};
use crate::paint::{body_with_roles, snapshot, text};

/// The fleet with a notice for one of two nodes of a pool, and a recommendation for another pool.
fn spot(size: (u16, u16)) -> App {
    let mut app = fleet(size);
    let signal = |name: &str, seconds_ago, reason: &str, node: &str| {
        let message = "Spot interruption warning was triggered";
        event(name, seconds_ago, EventClass::Interruption, reason, ("Node", "", node), message)
    };
    for row in [
        signal("s1", 25, "SpotInterrupted", "ip-10-0-12-91.ec2.internal"),
        signal("s2", 400, "SpotRebalanceRecommendation", "ip-10-0-31-7.ec2.internal"),
    ] {
        report(&mut app, Report::Delta(Delta::Events(upsert(row))));
    }
    let price = |kind: &str, micro_usd_per_hour| {
        let (place, instance_type) = (Sym::new("us-east-1"), Sym::new(kind));
        let key = PriceKey { place, instance_type, capacity_type: CapacityType::OnDemand };
        PriceChange::Listed(PriceList::AwsOnDemand, key, Price { micro_usd_per_hour, as_of: ago(240) })
    };
    report(
        &mut app,
        Report::Delta(Delta::Prices(vec![price("g5.12xlarge", 5_672_000), price("m7i.2xlarge", 403_200)])),
    );
    clock(&mut app, at("12:04:01"));
    clock(&mut app, at("12:04:02"));
    frame(&mut app);
    app
}

fn spot_after(size: (u16, u16), keys: &str) -> App {
    let mut app = spot(size);
    press(&mut app, keys);
    app
}

#[test]
fn spot_pools() {
    for size in [(40, 10), (80, 24), (120, 40), (200, 60)] {
        snapshot!(format!("spot_pools_{}x{}", size.0, size.1), body_with_roles(&spot_after(size, "4 v")));
    }
}

#[test]
fn spot_zones() {
    for size in [(40, 10), (80, 24), (120, 40), (200, 60)] {
        snapshot!(format!("spot_zones_{}x{}", size.0, size.1), body_with_roles(&spot_after(size, "4 v v")));
    }
}

#[test]
fn details_of_a_spot_pool() {
    for size in [(80, 60), (120, 60), (200, 60)] {
        snapshot!(format!("spot_pool_{}x{}", size.0, size.1), text(&spot_after(size, "4 v enter")));
    }
}

#[test]
fn the_view_spot() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        snapshot!(format!("spot_{}x{}", size.0, size.1), body_with_roles(&spot_after(size, "v v v v")));
    }
}

#[test]
fn the_banner_over_a_notice() {
    for size in [(40, 10), (80, 24), (120, 40), (200, 60)] {
        let shown = text(&spot_after(size, "v v v v"));
        let lines: Vec<&str> = shown.lines().take(7).map(str::trim_end).collect();
        snapshot!(format!("banner_{}x{}", size.0, size.1), lines.join("\n"));
    }
    snapshot!("banner_cost_120x40", text(&spot_after((120, 40), "6")));
}

#[test]
fn details_of_a_node_that_is_taken_back() {
    for size in [(80, 40), (200, 60)] {
        snapshot!(format!("spot_node_{}x{}", size.0, size.1), text(&spot_after(size, "v v v v enter")));
    }
}
