"""unpackWheel.py WHEEL FOLDER PREFIX... unpacks what begins with one of the prefixes, checking every checksum.

unpackWheel.py WHEEL prints the wheel's metadata.
"""

import sys
import zipfile

wheel = zipfile.ZipFile(sys.argv[1])
names = wheel.namelist()
if len(sys.argv) == 2:
    metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
    sys.stdout.write(wheel.read(metadata).decode("utf-8"))
else:
    folder, prefixes = sys.argv[2], tuple(sys.argv[3:])
    for name in names:
        if name.startswith(prefixes) and not name.endswith("/"):
            wheel.extract(name, folder)  # raises BadZipFile where a checksum does not fit
