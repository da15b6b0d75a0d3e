//! Actions that keys can be bound to.

macro_rules! actions {
    ($($variant:ident $name:literal $description:literal;)+) => {
        /// An action of the user. Its name follows `run` in keymap files.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Action {
            $(#[doc = $description] $variant,)+
        }

        impl Action {
            /// Every action, in the order in which help lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Name in keymap files and after `:`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Description for the help screen.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description),+ }
            }

            /// The action of this name, or of a name that it had in an earlier version.
            pub fn from_name(name: &str) -> Option<Self> {
                let former = FORMER_NAMES.iter().find(|(former, _)| *former == name).map(|(_, action)| *action);
                Self::ALL.iter().copied().find(|action| action.name() == name).or(former)
            }

            /// Whether it writes to the cluster; `--readonly` removes these.
            pub const fn writes(self) -> bool {
                matches!(self, Self::Protect | Self::Unprotect | Self::Undo | Self::Evict | Self::Cordon)
            }
        }
    };
}

/// Names that keymaps of earlier versions write, and the actions that they mean.
const FORMER_NAMES: [(&str, Action); 1] = [("claims", Action::Pools)];

actions! {
    Open "open" "Open the details of the selected row; in a dialog: do it";
    Back "back" "Leave the dialog, the details, the filter, then the level";
    Into "into" "Go into the selected row: NodePool to nodes, node to pods, Job to pods";
    Up "up" "One row up";
    Down "down" "One row down";
    PageUp "page-up" "One page up";
    PageDown "page-down" "One page down";
    Top "top" "First row";
    Bottom "bottom" "Last row";
    Left "left" "In a dialog: the previous choice; in a log: to the left";
    Right "right" "In a dialog: the next choice; in a log: to the right";
    Mark "mark" "Mark or unmark the selected row";
    MarkAll "mark-all" "Mark all rows that are listed, or unmark them";
    Protect "protect" "Protect the marked or selected pods, Job or node from Karpenter";
    Unprotect "unprotect" "Remove the protection of the marked or selected pods, Job or node";
    Undo "undo" "Undo the last protect, unprotect, cordon or uncordon";
    Evict "evict" "Evict pods: the marked or selected ones, a Job's, those of a node";
    Cordon "cordon" "Cordon the marked or selected nodes, or uncordon them";
    CopyDrain "copy-drain" "Copy the kubectl command that drains the node";
    Owners "owners" "Owners of the row's pods, each with the command that ends them";
    Logs "logs" "Log of a container of the row's pod; of a Job asks which pod";
    Filter "filter" "Filter the rows";
    Held "held" "Fleet: only nodes that are held from Karpenter, or all again";
    Sort "sort" "Choose the column to sort by; the same again: from the other end";
    SortNext "sort-next" "Sort by the next column";
    SortBack "sort-back" "Sort by the previous column";
    SortReverse "sort-reverse" "Reverse the order";
    NextView "next-view" "The next view: some of the rows, devices, another grouping";
    PreviousView "previous-view" "The view before";
    NextGrouping "dimension" "Cost: dollars, Fleet: devices by the next of node, Job and more";
    PreviousGrouping "dimension-back" "Cost and Fleet: by the one before";
    Command "command" "Type a command";
    Namespaces "namespaces" "Choose namespaces";
    AllNamespaces "all-namespaces" "Jobs, Pods and Events of all namespaces";
    GoBack "go-back" "Back to where you were before";
    GoForward "go-forward" "Forward again, after going back";
    SortDollars "sort-dollars" "Sort by dollars per hour";
    SortAge "sort-age" "Sort by age, the youngest first";
    Contexts "contexts" "Choose a context";
    Yaml "yaml" "Show the YAML of the opened object, or its text again";
    Search "search" "In a log: look for a text";
    NextMatch "next-match" "In a log: the next line with it";
    PreviousMatch "previous-match" "In a log: the line with it before";
    Wrap "wrap" "In a log: long lines go on below, or are cut";
    Timestamps "timestamps" "In a log: the time of each line, or not";
    PreviousRun "previous-run" "In a log: the run before the container's last restart, or back";
    Containers "containers" "In a log: another container of the pod";
    Edit "edit" "Read the object in $VISUAL or $EDITOR; changes are not applied";
    Copy "copy" "Copy the name of the row, among owners the command";
    Save "save" "Save the table (text, CSV, JSON), the log or the picture to a file";
    NextScreen "next-screen" "Next screen";
    PreviousScreen "previous-screen" "Previous screen";
    Fleet "fleet" "Nodes and NodeClaims";
    Jobs "jobs" "Jobs";
    Pods "pods" "Pods";
    Pools "pools" "NodePools and NodeClaims";
    Events "events" "Events";
    Cost "cost" "Cost: dollars by NodePool, namespace, Job and more";
    Starts "starts" "Starts of pods: where the time went between created and ready";
    Sources "sources" "What is watched, and how alive it is";
    Findings "findings" "Front desk: what needs somebody now, and what to do; again: back";
    Help "help" "This help";
    Redraw "redraw" "Draw the whole screen again";
    Suspend "suspend" "Stop batchtop and return to the shell; fg comes back";
    Quit "quit" "Leave batchtop";
}
