//! The roles of text on screen, each of which a theme gives a style.

macro_rules! roles {
    ($($variant:ident $name:literal $meaning:literal;)+) => {
        /// Meaning of a piece of text; a theme maps it to a style.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Role {
            $(#[doc = $meaning] $variant,)+
        }

        impl Default for Role {
            fn default() -> Self {
                Self::Text
            }
        }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Name in theme files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The role of this name; `None` if there is none.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|role| role.name() == name)
            }
        }
    };
}

roles! {
    Text "text" "Everything that is nothing else; its background is that of the whole screen.";
    TextDim "text.dim" "Labels, units, what matters less.";
    TextStrong "text.strong" "Names and numbers that matter most.";
    Border "border" "Lines between the parts of the screen.";
    BorderFocus "border.focus" "The border of what has the keys.";
    Title "title" "Titles of dialogs, details and their sections.";
    Header "header" "The first line of the screen.";
    Tab "tab" "Screens that are not shown.";
    TabActive "tab.active" "The screen that is shown.";
    Column "column" "Titles of columns.";
    ColumnSorted "column.sorted" "The title of the column by which rows are sorted.";
    RowSelected "row.selected" "Laid over the selected row.";
    RowMarked "row.marked" "Laid over marked rows.";
    Ok "ok" "As it should be.";
    Warn "warn" "Worth a look.";
    Bad "bad" "Failed, or lost.";
    Info "info" "Good to know.";
    Pending "pending" "Waiting, starting.";
    Running "running" "At work.";
    Finished "finished" "Ended well.";
    Terminating "terminating" "On its way out.";
    Spot "spot" "Spot capacity.";
    OnDemand "ondemand" "On-demand capacity.";
    Reserved "reserved" "Reserved capacity.";
    Gpu "gpu" "Numbers of GPUs.";
    Protected "protected" "Protected from Karpenter.";
    Unknown "unknown" "Not known, or not known yet.";
    Stale "stale" "Was true a while ago.";
    BarFill "bar.fill" "The used part of a bar.";
    BarEmpty "bar.empty" "The free part of a bar.";
    Key "key" "A key to press.";
    Input "input" "What the user types.";
    Choice "choice" "The chosen one of several.";
    NoticeInfo "notice.info" "A sentence that is good to know.";
    NoticeWarning "notice.warning" "A sentence that warns.";
    NoticeError "notice.error" "A sentence that says what failed.";
}

impl Role {
    /// The least contrast to what is behind it that the themes of batchtop give its text, as WCAG 2.2 counts it (1.4.3); `None`
    /// for lines and empty bars, which nobody reads. What is of second rank need not be more than large text, or a sign.
    pub const fn least_contrast(self) -> Option<f64> {
        match self {
            Self::Border | Self::BorderFocus | Self::BarEmpty => None,
            Self::TextDim | Self::Column | Self::Tab | Self::Finished | Self::Unknown | Self::Stale => Some(3.0),
            _ => Some(4.5),
        }
    }
}
