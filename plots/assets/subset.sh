#!/bin/sh
# Subsets Inter for embedding: subset.sh FOLDER_WITH_INTER_OTF   (needs `pip install fonttools`)
set -eu
ranges="U+0020-007E,U+00A0-017F,U+0192,U+0218-021B,U+02C6-02DD,U+0370-03FF,U+0400-045F,U+1E9E"
ranges="$ranges,U+2010-2026,U+2030,U+2032,U+2033,U+2039,U+203A,U+2044,U+2070-209C,U+20AC,U+2113"
ranges="$ranges,U+2122,U+2126,U+2190-2193,U+2202,U+2206,U+2207,U+220F,U+2211,U+2212,U+2215,U+221A"
ranges="$ranges,U+221E,U+222B,U+2248,U+2260,U+2264,U+2265,U+25A0,U+25CF,U+FFFD"
for weight in Regular SemiBold; do
    pyftsubset "$1/Inter-$weight.otf" --unicodes="$ranges" --layout-features='' --no-hinting \
        --desubroutinize --name-IDs='*' --output-file="$(dirname "$0")/Inter-$weight.otf"
done
