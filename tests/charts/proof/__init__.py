"""What the tests of the charts share: discovery, helm, switches, manifests, schemas, control planes."""
