//! How often Karpenter's command came from the nodes that batchtop said the next one would come from, and when it said.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::watch::{Answered, Taking, Watch};
use super::world::{Member, text};

/// The reasons of commands, in the order of `karpenterNext`.
pub const REASONS: [&str; 3] = ["Empty", "Drifted", "Underutilized"];

/// What a loaded machine and whole seconds add to a moment.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(3);

/// Of the commands that Karpenter gave for one reason.
#[derive(Clone, Default)]
pub struct Tally {
    /// Those that came from the nodes that were named.
    pub hits: usize,
    /// Those that did not, and those that were said to come and did not; each in a sentence.
    pub misses: Vec<String>,
    /// Those of which nothing was said.
    pub silences: usize,
    /// Those that came in the time that was said.
    pub in_time: usize,
    /// Those that came at another time, each in a sentence.
    pub out_of_time: Vec<String>,
}

/// Of the commands that Karpenter gave.
#[derive(Clone, Default)]
pub struct Score {
    /// By reason, as in [`REASONS`].
    pub reasons: [Tally; 3],
}

impl Score {
    /// Of all commands that followed an answer while nothing else happened in between.
    pub fn of(watch: &Watch<'_>) -> Self {
        let mut score = Self::default();
        for (number, answered) in watch.answers.iter().enumerate() {
            let taken: Vec<(&Member, &Taking)> = watch.takings.iter().filter(|(_, it)| it.answer == number).collect();
            let Some(first) = taken.iter().map(|(_, taking)| taking.at).min() else { continue };
            let together: Vec<_> = taken.into_iter().filter(|(_, taking)| taking.at == first).collect();
            for (reason, tally) in REASONS.iter().zip(&mut score.reasons) {
                let of_reason: Vec<_> = together.iter().filter(|(_, taking)| taking.reason == *reason).collect();
                if let Some((_, taking)) = of_reason.first()
                    && taking.before.members() == answered.world.members()
                {
                    let nodes: Vec<&str> = of_reason.iter().map(|(member, _)| member.node.as_str()).collect();
                    tally.note(answered, reason, &nodes, taking);
                    // While Karpenter was stopped nothing could come when it was said.
                    if number > 0 {
                        tally.note_time(answered, reason, taking);
                    }
                }
            }
        }
        score.note_absent(watch);
        score
    }

    /// Commands that were said to have come by now, when nothing has happened since.
    fn note_absent(&mut self, watch: &Watch<'_>) {
        // What was taken while batchtop looked was not there any more when it answered.
        let is_last = |answered: &Answered| watch.takings.values().all(|taking| taking.at <= answered.world.at);
        for (number, answered) in watch.answers.iter().enumerate().skip(1).filter(|(_, answered)| is_last(answered)) {
            for (reason, tally) in REASONS.iter().zip(&mut self.reasons) {
                let Some(said) = said(answered, reason) else { continue };
                let is_over = |to: Timestamp| watch.looked_at() > to + TOLERANCE * 3;
                if time(&said["to"]).is_some_and(is_over) {
                    tally.misses.push(format!("{reason} did not come, answer {number} of {}: {said}", answered.at));
                    return;
                }
            }
        }
    }

    /// Together with another one.
    pub fn add(&mut self, other: Self) {
        for (own, other) in self.reasons.iter_mut().zip(other.reasons) {
            own.hits += other.hits;
            own.misses.extend(other.misses);
            own.silences += other.silences;
            own.in_time += other.in_time;
            own.out_of_time.extend(other.out_of_time);
        }
    }

    /// Everything that was said and was wrong.
    pub fn mistakes(&self) -> Vec<&str> {
        self.reasons
            .iter()
            .flat_map(|tally| tally.misses.iter().chain(&tally.out_of_time))
            .map(String::as_str)
            .collect()
    }

    /// For a table.
    pub fn figures(&self) -> Vec<Value> {
        let of_one = |(reason, tally): (&&str, &Tally)| {
            json!({
                "reason": reason,
                "hits": tally.hits,
                "misses": tally.misses.len(),
                "silences": tally.silences,
                "inTime": tally.in_time,
                "outOfTime": tally.out_of_time.len(),
            })
        };
        REASONS.iter().zip(&self.reasons).map(of_one).collect()
    }
}

impl Tally {
    fn note(&mut self, answered: &Answered, reason: &str, nodes: &[&str], taking: &Taking) {
        let Some(said) = said(answered, reason) else {
            self.silences += 1;
            return;
        };
        let named = |node: &&&str| said["nodes"].as_array().is_some_and(|all| all.iter().any(|it| it == **node));
        // Drifted nodes follow one another in a second or two: more than one may have gone between two looks.
        let is_hit = match reason {
            "Drifted" => nodes.iter().any(|node| named(&node)),
            _ => nodes.iter().all(|node| named(&node)),
        };
        if is_hit {
            self.hits += 1;
        } else {
            let at = (taking.at, answered.at);
            self.misses.push(format!("{reason} {} at {}, said at {}: {said}", nodes.join(" "), at.0, at.1));
        }
    }

    fn note_time(&mut self, answered: &Answered, reason: &str, taking: &Taking) {
        let Some(said) = said(answered, reason) else { return };
        let begun = time(&said["from"]).is_none_or(|from| taking.at + TOLERANCE >= from);
        let ended = time(&said["to"]).is_some_and(|to| taking.before.at > to + TOLERANCE);
        if begun && !ended {
            self.in_time += 1;
        } else {
            self.out_of_time.push(format!("{reason} came at {}, said at {}: {said}", taking.at, answered.at));
        }
    }
}

fn said<'a>(answered: &'a Answered, reason: &str) -> Option<&'a Value> {
    let mut commands = answered.document["karpenterNext"].as_array().into_iter().flatten();
    commands.find(|command| command["reason"] == reason)
}

fn time(value: &Value) -> Option<Timestamp> {
    text(value).parse().ok()
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |count: fn(&Tally) -> usize| self.reasons.iter().map(count).sum::<usize>();
        write!(
            f,
            "{} commands as said, {} not, {} of which nothing was said; {} in time, {} not",
            sum(|tally| tally.hits),
            sum(|tally| tally.misses.len()),
            sum(|tally| tally.silences),
            sum(|tally| tally.in_time),
            sum(|tally| tally.out_of_time.len()),
        )
    }
}
