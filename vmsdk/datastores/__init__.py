"""Client's file names and what they name: `[datastore] dir/x.vmdk`, machine folders, and the `.vmx`."""
