"""From hypervisor records to objects: the faces of machines, datastores and networks follow what the hypervisor announces."""
