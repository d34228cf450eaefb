//! Where secrets may not be: output, files, arguments, environments, memory images.
