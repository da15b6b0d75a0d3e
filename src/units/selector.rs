//! Label selectors in the syntax of `kubectl -l`.
//!
//! Grammar and meaning follow k8s.io/apimachinery/pkg/labels/selector.go.

use std::fmt;

/// A condition on labels; all requirements must hold, and none is met by everything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selector {
    text: String,
    requirements: Vec<Requirement>,
}

/// A condition on one label.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    /// Also met where the label is absent.
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

/// Error of a selector, with its position.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("selector \"{text}\": {message}")]
pub struct SelectorError {
    text: String,
    message: String,
}

impl Selector {
    /// Reads `a=b`, `a==b`, `a!=b`, `a in (x,y)`, `a notin (x,y)`, `a`, `!a`, `a>1`, `a<1`, joined by commas.
    ///
    /// Empty text selects everything.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { tokens: tokens(text), at: 0 };
        match parser.selector() {
            Ok(requirements) => Ok(Self { text: text.trim().to_owned(), requirements }),
            Err(message) => Err(SelectorError { text: text.to_owned(), message }),
        }
    }

    /// From a LabelSelector's `matchLabels` and `matchExpressions` (key, operator, values), as
    /// k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go, `LabelSelectorAsSelector`, reads them.
    pub fn of_label_selector(
        labels: &[(&str, &str)],
        expressions: &[(&str, &str, Vec<&str>)],
    ) -> Result<Self, SelectorError> {
        let equal = labels.iter().map(|(key, value)| Ok(Requirement::new(key, Test::In(vec![(*value).to_owned()]))));
        let more = expressions.iter().map(|(key, operator, values)| expression(key, operator, values));
        let requirements: Vec<Requirement> = equal.chain(more).collect::<Result<_, _>>()?;
        let text: Vec<String> = requirements.iter().map(ToString::to_string).collect();
        Ok(Self { text: text.join(","), requirements })
    }

    /// The label values of which one must be there, for the first requirement that names values: a shortcut for those
    /// who look for selectors by label.
    pub fn demanded(&self) -> Option<(&str, &[String])> {
        self.requirements.iter().find_map(|requirement| match &requirement.test {
            Test::In(values) => Some((requirement.key.as_str(), values.as_slice())),
            _ => None,
        })
    }

    /// Whether an object matches whose label of a key is `label(key)`.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.test.holds(label(&requirement.key)))
    }
}

/// One of a LabelSelector's `matchExpressions`.
fn expression(key: &str, operator: &str, values: &[&str]) -> Result<Requirement, SelectorError> {
    let owned = || values.iter().map(|value| (*value).to_owned()).collect();
    let test = match (operator, values) {
        ("In" | "NotIn", []) => Err("needs at least one value"),
        ("In", _) => Ok(Test::In(owned())),
        ("NotIn", _) => Ok(Test::NotIn(owned())),
        ("Exists", []) => Ok(Test::Exists),
        ("DoesNotExist", []) => Ok(Test::Absent),
        ("Exists" | "DoesNotExist", _) => Err("takes no values"),
        _ => Err("the operator is none of In, NotIn, Exists, DoesNotExist"),
    };
    let refused = |message: &str| SelectorError {
        text: format!("{key} {operator} ({})", values.join(",")),
        message: message.to_owned(),
    };
    test.map(|test| Requirement::new(key, test)).map_err(refused)
}

impl Requirement {
    fn new(key: &str, test: Test) -> Self {
        Self { key: key.to_owned(), test }
    }
}

/// In kubectl's grammar.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.test {
            Test::Exists => f.write_str(key),
            Test::Absent => write!(f, "!{key}"),
            Test::In(values) => match values.as_slice() {
                [value] => write!(f, "{key}={value}"),
                values => write!(f, "{key} in ({})", values.join(",")),
            },
            Test::NotIn(values) => write!(f, "{key} notin ({})", values.join(",")),
            Test::Above(bound) => write!(f, "{key}>{bound}"),
            Test::Below(bound) => write!(f, "{key}<{bound}"),
        }
    }
}

/// As it was written.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let is_among = |values: &[String]| value.is_some_and(|value| values.iter().any(|one| one == value));
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::In(values) => is_among(values),
            Self::NotIn(values) => !is_among(values),
            Self::Above(bound) => number().is_some_and(|number| number > *bound),
            Self::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Symbol(&'static str),
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Symbol(text) => write!(f, "'{text}'"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// Longer ones first.
const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
        let length = symbol.map_or_else(|| word_length(rest), str::len);
        let (token, tail) = rest.split_at(length);
        tokens.push(symbol.map_or(Token::Word(token), Token::Symbol));
        rest = tail.trim_start();
    }
    tokens
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || "=!(),><".contains(c)).unwrap_or(text.len())
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens.get(self.at).copied().unwrap_or(Token::End)
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        if self.peek() == Token::End {
            return Ok(requirements);
        }
        loop {
            requirements.push(self.requirement()?);
            match self.take() {
                Token::End => return Ok(requirements),
                Token::Symbol(",") => {}
                other => return Err(format!("found {other}, expected ',' or the end")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        if self.peek() == Token::Symbol("!") {
            self.at += 1;
            return Ok(Requirement { key: self.key()?, test: Test::Absent });
        }
        let key = self.key()?;
        let test = self.test(&key)?;
        Ok(Requirement { key, test })
    }

    fn key(&mut self) -> Result<String, String> {
        match self.take() {
            Token::Word(key) => check_key(key).map(|()| key.to_owned()),
            other => Err(format!("found {other}, expected a label key")),
        }
    }

    fn test(&mut self, key: &str) -> Result<Test, String> {
        if matches!(self.peek(), Token::End | Token::Symbol(",")) {
            return Ok(Test::Exists);
        }
        match self.take() {
            Token::Symbol("=" | "==") => Ok(Test::In(vec![self.value(key)?])),
            Token::Symbol("!=") => Ok(Test::NotIn(vec![self.value(key)?])),
            Token::Word("in") => Ok(Test::In(self.values(key)?)),
            Token::Word("notin") => Ok(Test::NotIn(self.values(key)?)),
            Token::Symbol(">") => Ok(Test::Above(self.number(key)?)),
            Token::Symbol("<") => Ok(Test::Below(self.number(key)?)),
            other => Err(format!("found {other} after '{key}', expected one of = == != in notin > <")),
        }
    }

    /// What follows an operator; nothing is the empty value.
    fn value(&mut self, key: &str) -> Result<String, String> {
        match self.peek() {
            Token::End | Token::Symbol("," | ")") => Ok(String::new()),
            Token::Word(value) => {
                self.at += 1;
                check_value(key, value).map(|()| value.to_owned())
            }
            other @ Token::Symbol(_) => Err(format!("found {other}, expected a value for '{key}'")),
        }
    }

    fn number(&mut self, key: &str) -> Result<i64, String> {
        let value = self.value(key)?;
        value.parse().map_err(|_| format!("'{key}' is compared with '{value}', which is no integer"))
    }

    fn values(&mut self, key: &str) -> Result<Vec<String>, String> {
        match self.take() {
            Token::Symbol("(") => {}
            other => return Err(format!("found {other}, expected '(' and the values of '{key}'")),
        }
        if self.peek() == Token::Symbol(")") {
            return Err(format!("the list of values of '{key}' is empty"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value(key)?);
            match self.take() {
                Token::Symbol(")") => return Ok(values),
                Token::Symbol(",") => {}
                other => return Err(format!("found {other}, expected ',' or ')' after a value of '{key}'")),
            }
        }
    }
}

/// Most characters of a label's name and of its value.
const LONGEST_NAME: usize = 63;
/// Most characters of the DNS name before a key's slash.
const LONGEST_PREFIX: usize = 253;

fn check_key(key: &str) -> Result<(), String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let is_prefix = prefix.is_none_or(|prefix| prefix.len() <= LONGEST_PREFIX && prefix.split('.').all(is_dns_label));
    if is_prefix && !name.is_empty() && is_label_text(name) {
        return Ok(());
    }
    Err(format!("'{key}' cannot be a label key"))
}

fn check_value(key: &str, value: &str) -> Result<(), String> {
    if is_label_text(value) {
        return Ok(());
    }
    Err(format!("'{value}' cannot be the value of label '{key}'"))
}

fn is_label_text(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && is_fenced(text, |byte| byte.is_ascii_alphanumeric())
}

fn is_dns_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !text.is_empty() && text.bytes().all(|byte| is_inner(byte) || byte == b'-') && is_fenced(text, is_inner)
}

/// Whether the first and the last byte pass.
fn is_fenced(text: &str, passes: impl Fn(u8) -> bool) -> bool {
    text.as_bytes().first().is_none_or(|byte| passes(*byte)) && text.as_bytes().last().is_none_or(|byte| passes(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Selector;

    const LABELS: [(&str, &str); 4] = [("app", "train"), ("example.com/team", "vision"), ("n", "7"), ("empty", "")];

    fn matches(selector: &str) -> bool {
        let label = |key: &str| LABELS.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        Selector::parse(selector).unwrap_or_else(|error| panic!("{error}")).matches(label)
    }

    #[test]
    fn a_selector_matches_labels_that_meet_every_requirement() {
        for selector in [
            "",
            "  ",
            "app=train",
            "app==train",
            " app = train , n ",
            "app!=serve",
            "missing!=x",
            "app in (serve,train)",
            "app in (serve, train ),example.com/team=vision",
            "app notin (serve)",
            "missing notin (x,y)",
            "app",
            "!missing",
            "! missing",
            "n>6",
            "n<8,n > 1",
            "empty=",
            "empty in (,x)",
            "empty==,app",
        ] {
            assert!(matches(selector), "{selector}");
        }
    }

    #[test]
    fn a_selector_does_not_match_labels_that_miss_a_requirement() {
        for selector in [
            "app=serve",
            "app!=train",
            "missing=x",
            "missing in (x)",
            "app notin (train)",
            "missing",
            "!app",
            "n>7",
            "n<7",
            "app>1",
            "app=train,missing",
            "missing=",
            "in",
        ] {
            assert!(!matches(selector), "{selector}");
        }
    }

    #[test]
    fn mistakes_in_a_selector_are_named() {
        for (selector, message) in [
            ("app=train,", "found the end, expected a label key"),
            (",app", "found ',', expected a label key"),
            ("app=a b", "found 'b', expected ',' or the end"),
            ("app in train", "found 'train', expected '(' and the values of 'app'"),
            ("app in ()", "the list of values of 'app' is empty"),
            ("app in (a", "found the end, expected ',' or ')' after a value of 'app'"),
            ("app like x", "found 'like' after 'app', expected one of = == != in notin > <"),
            ("!app=x", "found '=', expected ',' or the end"),
            ("n>x", "'n' is compared with 'x', which is no integer"),
            ("a/b/c=d", "'a/b/c' cannot be a label key"),
            ("-a", "'-a' cannot be a label key"),
            ("Team.io/x", "'Team.io/x' cannot be a label key"),
            ("/x", "'/x' cannot be a label key"),
            ("a=b/c", "'b/c' cannot be the value of label 'a'"),
            ("a=!b", "found '!', expected a value for 'a'"),
        ] {
            let error = Selector::parse(selector).unwrap_err().to_string();
            assert_eq!(error, format!("selector \"{selector}\": {message}"));
        }
    }

    proptest! {
        #[test]
        fn reading_a_selector_never_panics(text in "[a-c!=<>(), ]{0,12}|.*") {
            let _ = Selector::parse(&text);
        }

        #[test]
        fn equality_and_inequality_match_complementary_labels(key in "[a-c]", value in "[xy]?", labels: bool) {
            let label = |name: &str| (labels && name == "a").then_some("x");
            let one = Selector::parse(&format!("{key}={value}")).unwrap().matches(label);
            let other = Selector::parse(&format!("{key}!={value}")).unwrap().matches(label);
            prop_assert_ne!(one, other);
        }
    }
}
