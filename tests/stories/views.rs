//! Views: ways of looking at the rows of a screen.

use batchtop::app::{Column, Screen};
use batchtop::fleet::{CapacityType, NodeRow};

use crate::dsl::{Story, row_name, story};
use crate::fixture::{labels, node, small, upsert_node};

fn names(told: &Story) -> Vec<String> {
    told.app.ui.listing.rows.iter().map(row_name).collect()
}

fn view(told: &Story) -> &'static str {
    told.app.ui.level.view.name
}

#[test]
fn v_cycles_forward_through_all_views_and_capital_v_backward() {
    for screen in Screen::ALL {
        let views = screen.spec().views;
        // By then it is known that there is spot capacity, without which some views are not offered.
        let mut told = story(small()).seconds(2).keys(&screen.number().to_string());
        assert_eq!(view(&told), views[0].name);
        for next in views.iter().skip(1).chain([&views[0]]) {
            told = told.keys("v");
            assert_eq!(view(&told), next.name, "{}", screen.spec().title);
        }
        for before in views.iter().rev() {
            told = told.keys("V");
            assert_eq!(view(&told), before.name, "{}", screen.spec().title);
        }
    }
}

#[test]
fn every_view_is_explained_and_only_the_first_lists_all_rows() {
    for screen in Screen::ALL {
        let views = screen.spec().views;
        assert!(views[0].keeps.is_none() && views[0].order.is_none(), "{}", screen.spec().title);
        for view in views {
            assert!(!view.help.is_empty(), "{}", view.name);
            assert!(
                view.keeps.is_some()
                    || view.grouping.is_some()
                    || view.table.is_some()
                    || view.name == "all"
                    || *view == views[0],
                "{}",
                view.name
            );
            assert!(view.order.is_none_or(Column::is_sortable), "{}", view.name);
        }
    }
}

#[test]
fn a_view_of_events_lists_one_class() {
    // All of the small fleet are of one class.
    let told = story(small()).keys("5 V");
    let all = names(&told);
    assert_eq!(view(&told), "all");
    let told = told.keys("v v");
    assert_eq!((view(&told), names(&told)), ("blocked", all));
    let told = told.keys("v").rows(&[]);
    assert_eq!(view(&told), "capacity");
}

#[test]
fn the_filter_narrows_the_rows_of_a_view_and_esc_keeps_the_view() {
    let told = story(small()).keys("3 v");
    assert_eq!(view(&told), "work");
    let work = names(&told);
    assert!(!work.contains(&"ml/done-0".to_owned()), "{work:?}");
    let told = told.keys("/ 'train' enter").rows(&["ml/train-2", "ml/train-0", "ml/train-1"]);
    assert_eq!(told.app.ui.listing.unfiltered, work.len());
    let told = told.keys("esc");
    assert_eq!((view(&told), names(&told)), ("work", work));
}

#[test]
fn a_level_remembers_its_view() {
    let told = story(small()).keys("v v 3 1");
    assert_eq!(view(&told), "held");
    let told = story(small()).keys("V V v v G l h");
    assert_eq!(view(&told), "all");
    let told = story(small()).keys("V v l v h");
    assert_eq!((view(&told), told.app.ui.level.screen), ("all", Screen::Fleet));
}

#[test]
fn a_view_is_updated_with_changed_objects() {
    let spot = |name: &str| {
        let labels = labels(&[("karpenter.sh/capacity-type", CapacityType::Spot.name())]);
        upsert_node(NodeRow { labels, ..node(name, "cpu") })
    };
    let told = story(small()).keys("v v v v");
    assert_eq!(view(&told), "spot");
    let before = names(&told);
    let told = told.told(vec![spot("taken")]);
    assert!(names(&told).contains(&"taken".to_owned()) && !before.contains(&"taken".to_owned()));
}

#[test]
fn a_view_has_its_own_order_unless_the_user_has_chosen_one() {
    let sorted = |told: &Story| told.app.ui.level.sort.column.name;
    let told = story(small()).keys("v");
    assert_eq!((view(&told), sorted(&told)), ("waste", "waste"));
    let told = told.keys("v");
    assert_eq!((view(&told), sorted(&told)), ("held", "attention"));
    let told = told.keys(": 'sort' space 'name' enter v V V");
    assert_eq!((view(&told), sorted(&told)), ("waste", "name"));
}

#[test]
fn v_on_a_screen_with_one_view_gives_a_notice() {
    story(small()).keys("3 4 v").says("there is one view of Pools");
}
