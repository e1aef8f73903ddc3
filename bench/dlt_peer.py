"""One table by dlt, for bench/peers.py; runs in dlt's own environment.

  python dlt_peer.py SETTINGS.json

`stage_only`: the files in the bucket are the end. Prints the rows that dlt counted.
"""
import json
import sys

import dlt
from dlt.sources.sql_database import sql_table


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    bucket = dlt.destinations.filesystem(bucket_url=settings["bucket_url"],
                                         credentials=settings["aws"])
    where = ({"destination": bucket} if settings["stage_only"] else
             {"destination": dlt.destinations.redshift(credentials=settings["redshift"]),
              "staging": bucket})
    pipeline = dlt.pipeline(pipeline_name="peer", pipelines_dir=settings["folder"],
                            dataset_name=settings["schema"], **where)
    table = sql_table(credentials=settings["source"], schema="public", table=settings["table"],
                      backend=settings["backend"])
    pipeline.run(table, write_disposition="replace",
                 loader_file_format=settings.get("file_format"))
    print(json.dumps({"rows": pipeline.last_trace.last_normalize_info.row_counts
                      [settings["table"]]}))


if __name__ == "__main__":
    main()
