"""Judges the launch template in each folder of a folder by EC2's model."""

import os
import sys

import forms


def main():
    (folder,) = sys.argv[1:]
    names = sorted(os.listdir(folder), key=int)
    for name in names:
        forms.launch_template(os.path.join(folder, name))
    # A judge that finds nothing in anything proves nothing.
    shape = forms.model().shape_for("RequestLaunchTemplateData")
    for broken in ({"InstanceType": "p99.none"}, {"NoSuchField": 1}):
        try:
            forms.enums(shape, broken, "broken")
        except SystemExit:
            continue
        forms.fail(f"{broken} was let pass")
    print(len(names), "launch templates")


if __name__ == "__main__":
    main()
