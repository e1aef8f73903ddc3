"""The parts of tools/verify_live.py: probes of what is not known about live Redshift and S3."""
