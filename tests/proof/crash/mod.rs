//! Killed or refused at every system call that touches the disk, and the power cut.
