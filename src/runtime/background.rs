//! The background of the terminal, as the terminal tells it (OSC 11 of xterm).
//!
//! The question is written once, and nobody waits: the first frame is drawn at once, and the answer comes among the keys. A
//! terminal writes it in one piece, which crossterm takes for keys: alt-], the text, and alt-\ or ctrl-g. [`Answer`] picks it
//! out, and passes all other keys on, in their order.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Asks for the colour of the background.
pub const QUESTION: &str = "\u{1b}]11;?\u{1b}\\";

/// How long the answer may take to count; one that comes later is taken out of the keys all the same.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the next key of an answer that has begun may take; what is held back then was typed. A busy machine takes its time
/// to hand over even what comes in one piece.
const PIECE_PATIENCE: Duration = Duration::from_secs(1);

/// The longest answer: `11;rgba:` and four times four digits.
const MOST_KEYS: usize = 40;

/// What an answer begins with, after `ESC ]`.
const BEGIN: &str = "11;";

/// Terminals by the beginning of `TERM` that leave a question out of what they show, whether they answer or not. The console of
/// Linux, for example, does not.
const KNOWN: [&str; 14] = [
    "alacritty",
    "contour",
    "foot",
    "ghostty",
    "iterm",
    "konsole",
    "mintty",
    "rxvt",
    "screen",
    "st-",
    "tmux",
    "vte",
    "wezterm",
    "xterm",
];

/// Whether a terminal of this `TERM` can be asked.
pub fn is_askable(term: &str) -> bool {
    KNOWN.iter().any(|known| term.starts_with(known))
}

/// Whether text on the background has to be dark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Background {
    /// Dark: text is light.
    Dark,
    /// Light: text is dark.
    Light,
}

/// Picks the answer out of the keys.
pub struct Answer {
    asked: Instant,
    /// Keys that may be the beginning of the answer, and when the last of them came.
    held: Vec<KeyEvent>,
    since: Instant,
    is_over: bool,
}

/// What an event turned out to be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// Events that are no answer, in their order.
    pub events: Vec<Event>,
    /// The background, where the answer is complete.
    pub background: Option<Background>,
}

impl Answer {
    /// The question was asked now.
    pub const fn asked(now: Instant) -> Self {
        Self { asked: now, held: Vec::new(), since: now, is_over: false }
    }

    /// Takes an event of the terminal.
    pub fn take(&mut self, event: Event, now: Instant) -> Told {
        let Event::Key(key) = event else { return Told { events: vec![event], background: None } };
        if self.is_over || key.kind == KeyEventKind::Release {
            return Told { events: vec![event], background: None };
        }
        self.since = now;
        if self.held.is_empty() {
            if !is_alt(key, ']') {
                return Told { events: vec![event], background: None };
            }
            self.held.push(key);
            return Told::default();
        }
        if is_alt(key, '\\') || is_control(key, 'g') {
            return self.complete(key, now);
        }
        self.held.push(key);
        if self.may_go_on() { Told::default() } else { self.give_up() }
    }

    /// When what is held back was typed after all; `None` while nothing is held back.
    pub fn due(&self) -> Option<Instant> {
        (!self.held.is_empty()).then(|| self.since + PIECE_PATIENCE)
    }

    /// What is held back, as keys.
    pub fn give_up(&mut self) -> Told {
        Told { events: self.held.drain(..).map(Event::Key).collect(), background: None }
    }

    /// Whether what is held back, with more behind it, can be an answer.
    fn may_go_on(&self) -> bool {
        let text = self.text();
        let is_plain = self.held.iter().skip(1).all(|key| typed(*key).is_some());
        is_plain && self.held.len() <= MOST_KEYS && (text.starts_with(BEGIN) || BEGIN.starts_with(&text))
    }

    fn text(&self) -> String {
        self.held.iter().skip(1).filter_map(|key| typed(*key)).collect()
    }

    /// The end of an answer.
    fn complete(&mut self, end: KeyEvent, now: Instant) -> Told {
        let text = self.text();
        let Some(background) = text.strip_prefix(BEGIN).and_then(background) else {
            self.held.push(end);
            return self.give_up();
        };
        self.held.clear();
        self.is_over = true;
        let is_in_time = now.duration_since(self.asked) <= PATIENCE;
        Told { events: Vec::new(), background: Some(background).filter(|_| is_in_time) }
    }
}

fn is_alt(key: KeyEvent, c: char) -> bool {
    key.code == KeyCode::Char(c) && key.modifiers == KeyModifiers::ALT
}

fn is_control(key: KeyEvent, c: char) -> bool {
    key.code == KeyCode::Char(c) && key.modifiers == KeyModifiers::CONTROL
}

fn typed(key: KeyEvent) -> Option<char> {
    match key.code {
        KeyCode::Char(c) if (key.modifiers - KeyModifiers::SHIFT).is_empty() => Some(c),
        _ => None,
    }
}

/// From `rgb:1e1e/1e1e/1e1e`, `rgba:…` or `#1e1e1e`; the first digits of each part are enough.
fn background(colour: &str) -> Option<Background> {
    let parts: Vec<&str> = match colour.strip_prefix('#') {
        Some(digits) if digits.is_ascii() && digits.len() % 3 == 0 && !digits.is_empty() => {
            let width = digits.len() / 3;
            (0..3).filter_map(|at| digits.get(at * width..(at + 1) * width)).collect()
        }
        Some(_) => return None,
        None => colour.split_once(':').filter(|(kind, _)| matches!(*kind, "rgb" | "rgba"))?.1.split('/').collect(),
    };
    let share = |part: &&str| {
        let digits = u32::try_from(part.len()).ok().filter(|digits| (1..=4).contains(digits))?;
        let most = 16_u32.pow(digits) - 1;
        Some(u32::from_str_radix(part, 16).ok()? * 1_000 / most)
    };
    let shares: Vec<u32> = parts.iter().take(3).map(share).collect::<Option<_>>()?;
    let [red, green, blue] = shares.as_slice() else { return None };
    // Luma of Rec. 709; whether text is better dark is decided at the middle.
    let luma = (2_126 * red + 7_152 * green + 722 * blue) / 10_000;
    Some(if luma > 500 { Background::Light } else { Background::Dark })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: char, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(code), modifiers))
    }

    /// The keys as which crossterm reads bytes.
    fn keys(text: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            events.push(match c {
                '\u{1b}' => key(chars.next().expect("a key"), KeyModifiers::ALT),
                '\u{7}' => key('g', KeyModifiers::CONTROL),
                c => key(c, KeyModifiers::NONE),
            });
        }
        events
    }

    fn told(text: &str, late: Duration) -> (Vec<Event>, Option<Background>) {
        let now = Instant::now();
        let mut answer = Answer::asked(now);
        let (mut events, mut background) = (Vec::new(), None);
        for event in keys(text) {
            let told = answer.take(event, now + late);
            events.extend(told.events);
            background = background.or(told.background);
        }
        events.extend(answer.give_up().events);
        (events, background)
    }

    #[test]
    fn the_answer_is_taken_out_of_the_keys_and_all_others_stay_in_their_order() {
        for (answer, background) in [
            ("\u{1b}]11;rgb:1e1e/1e1e/2e2e\u{1b}\\", Background::Dark),
            ("\u{1b}]11;rgb:ff/ff/f0\u{7}", Background::Light),
            ("\u{1b}]11;rgba:ffff/ffff/ffff/ffff\u{1b}\\", Background::Light),
            ("\u{1b}]11;#fdf6e3\u{7}", Background::Light),
            ("\u{1b}]11;rgb:0000/0000/FFFF\u{1b}\\", Background::Dark),
        ] {
            let (events, found) = told(&format!("/po{answer}d"), Duration::ZERO);
            assert_eq!((events, found), (keys("/pod"), Some(background)), "{answer:?}");
        }
    }

    #[test]
    fn an_answer_that_comes_too_late_does_not_count_and_is_no_typing() {
        let late = PATIENCE + Duration::from_secs(1);
        assert_eq!(told("1\u{1b}]11;rgb:ff/ff/ff\u{7}2", late), (keys("12"), None));
    }

    #[test]
    fn what_only_looks_like_an_answer_is_typing() {
        for typed in
            ["\u{1b}]", "\u{1b}]1", "\u{1b}]q", "\u{1b}]\u{1b}]11", "\u{1b}]11;black\u{7}", "\u{1b}]10;rgb:f/f/f\u{7}"]
        {
            assert_eq!(told(typed, Duration::ZERO), (keys(typed), None), "{typed:?}");
        }
        let endless = format!("\u{1b}]11;{}", "f".repeat(1_000));
        assert_eq!(told(&endless, Duration::ZERO), (keys(&endless), None));
    }

    #[test]
    fn what_is_held_back_waits_for_a_second_at_most() {
        let now = Instant::now();
        let mut answer = Answer::asked(now);
        assert_eq!(answer.due(), None);
        assert_eq!(answer.take(keys("\u{1b}]").remove(0), now), Told::default());
        assert_eq!(answer.due(), Some(now + PIECE_PATIENCE));
        let resized = Event::Resize(10, 10);
        assert_eq!(answer.take(resized.clone(), now).events, [resized], "it waits for nothing");
        assert_eq!(answer.give_up().events, keys("\u{1b}]"));
        assert_eq!(answer.due(), None);
    }

    #[test]
    fn terminals_that_may_show_the_question_are_not_asked() {
        for term in ["dumb", "linux", "vt100", "", "cons25"] {
            assert!(!is_askable(term), "{term}");
        }
        for term in ["xterm", "xterm-256color", "screen", "tmux-256color", "xterm-kitty"] {
            assert!(is_askable(term), "{term}");
        }
    }
}
