//! How often Karpenter's command came from the nodes that batchtop said the next one would come from.

use std::fmt;

use super::watch::{Answered, Taking, Watch};
use super::world::Member;

/// Of the commands that Karpenter gave.
#[derive(Default)]
pub struct Score {
    /// Those that came from the nodes that were named.
    pub hits: usize,
    /// Those that did not, each in a sentence.
    pub misses: Vec<String>,
    /// Those of a reason of which nothing was said.
    pub silences: usize,
}

impl Score {
    /// Of all commands for empty and drifted nodes that followed an answer while nothing else happened in between.
    pub fn of(watch: &Watch<'_>) -> Self {
        let mut score = Self::default();
        for (number, answered) in watch.answers.iter().enumerate() {
            let taken: Vec<(&Member, &Taking)> = watch.takings.iter().filter(|(_, it)| it.answer == number).collect();
            let Some(first) = taken.iter().map(|(_, taking)| taking.at).min() else { continue };
            let together: Vec<_> = taken.into_iter().filter(|(_, taking)| taking.at == first).collect();
            for reason in ["Empty", "Drifted"] {
                let of_reason: Vec<_> = together.iter().filter(|(_, taking)| taking.reason == reason).collect();
                if let Some((_, taking)) = of_reason.first()
                    && taking.before.members() == answered.world.members()
                {
                    let nodes: Vec<&str> = of_reason.iter().map(|(member, _)| member.node.as_str()).collect();
                    score.note(answered, reason, &nodes, taking);
                }
            }
        }
        score
    }

    fn note(&mut self, answered: &Answered, reason: &str, nodes: &[&str], taking: &Taking) {
        let commands = answered.document["karpenterNext"].as_array().into_iter().flatten();
        let Some(said) = commands.into_iter().find(|command| command["reason"] == reason) else {
            self.silences += 1;
            return;
        };
        let named = |node: &&&str| said["nodes"].as_array().is_some_and(|all| all.iter().any(|it| it == **node));
        // Drifted nodes follow one another in a second or two: more than one may have gone between two looks.
        let is_hit = match reason {
            "Empty" => nodes.iter().all(|node| named(&node)),
            _ => nodes.iter().any(|node| named(&node)),
        };
        if is_hit {
            self.hits += 1;
        } else {
            self.misses.push(format!("{reason} {} at {}, said at {}: {said}", nodes.join(" "), taking.at, answered.at));
        }
    }

    /// Together with another one.
    pub fn add(&mut self, other: Self) {
        self.hits += other.hits;
        self.misses.extend(other.misses);
        self.silences += other.silences;
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} commands as said, {} not, {} of which nothing was said",
            self.hits,
            self.misses.len(),
            self.silences
        )
    }
}
