"""What BORIS itself says of a project, as JSON: run by the Python of the environment in which BORIS is installed.

`python look_with_boris.py PROJECT.boris [COPY.boris]`; the copy is what BORIS's own code read, written again.
"""

import json
import sys

import boris.config as words
from boris import project_functions


def main(path: str, copy: str | None = None) -> None:
    name, changed, project, said = project_functions.open_project_json(path)
    if "error" in project:
        json.dump({"error": project["error"]}, sys.stdout)
        return
    ethogram, observations = project[words.ETHOGRAM], project[words.OBSERVATIONS]
    told = {
        "opened": name,
        "changed": changed,
        "said": said,
        "subjects": [one["name"] for one in project[words.SUBJECTS].values()],
        "behaviours": {one["code"]: one["type"] for one in ethogram.values()},
        "undefined": sorted(project_functions.check_coded_behaviors(project)),
        "integrity": project_functions.check_project_integrity(project, words.HHMMSS, path),
        "observations": {
            name: {
                "paired": project_functions.check_state_events_obs(name, ethogram, one)[0],
                "media": {player: files for player, files in one[words.FILE].items() if files},
                "info": one[words.MEDIA_INFO],
                "interval": [float(time) for time in project_functions.observed_interval(one)],
                "events": project_functions.events_start_stop(ethogram, one[words.EVENTS], one[words.TYPE]),
            }
            for name, one in observations.items()
        },
    }
    json.dump(told, sys.stdout, default=float)
    if copy is not None:
        with open(copy, "w") as file:  # noqa: PTH123  # as BORIS writes it
            json.dump(project, file, default=float)


if __name__ == "__main__":
    main(*sys.argv[1:])
