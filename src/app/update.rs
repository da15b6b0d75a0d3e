//! The reducer: one arm per message, each calling the function that handles it.

use super::effects::Effects;
use super::{
    App, Effect, Msg, clock, detail, gpu_history, keys, listing, log_keys, logs, mouse, notice, prompt, save, set,
    source, work, write,
};

/// Applies one message and says what is wanted of the outside.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = Effects::default();
    handle(app, msg, &mut effects);
    logs::keep_in_step(app, &mut effects);
    effects.into_vec()
}

fn handle(app: &mut App, msg: Msg, effects: &mut Effects) {
    match msg {
        Msg::Key(chord) => keys::press(app, chord, effects),
        Msg::Paste(text) => prompt::paste(app, &text),
        Msg::Mouse(mouse) => mouse::handle(app, mouse),
        Msg::Resize { width, height } => listing::resize(app, width, height),
        Msg::Clock(now) => clock::tick(app, now),
        Msg::Source(epoch, report) => source::report(app, epoch, report),
        Msg::Written { write, item, outcome } => write::answered(app, write, item, outcome, effects),
        Msg::Fetched { epoch, key, result } => detail::fetched(app, epoch, &key, result, effects),
        Msg::History { epoch, key, result } => gpu_history::told(app, epoch, &key, result),
        Msg::Containers { epoch, pod, result } => log_keys::containers_told(app, epoch, &pod, result),
        Msg::Log { number, report } => logs::told(app, number, report),
        Msg::Saved { format, path, result } => save::saved(app, format, path, result),
        Msg::Configured(settings) => set::configure(app, *settings),
        Msg::Notice(notice) => notice::show(app, notice),
        Msg::Work => work::slice(app, effects),
        Msg::Frame => listing::refresh_if_dirty(app),
        Msg::KeyFrame => listing::follow_filter(app),
        Msg::Geometry(geometry) => listing::laid_out(app, geometry),
    }
}
