//! What goes wrong at a cloud or on the way to it, at every cloud and in every command.
