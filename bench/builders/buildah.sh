#!/bin/bash
# buildah.sh cold|warm|build: an image as one makes it with buildah by hand. See builders/peers.ts for the variables.
# cold leaves its store empty, warm with the base alone; build is what is timed.
set -o errexit -o nounset -o pipefail
export BUILDAH_ISOLATION=chroot
mkdir -p "$WORK"
buildah=(buildah --root "$WORK/root" --runroot "$WORK/run")
signed=(-fsS --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"
  --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD')

case $1 in
  cold) "${buildah[@]}" rm --all >/dev/null && "${buildah[@]}" rmi --all --force >/dev/null ;;
  warm)
    "${buildah[@]}" rm --all >/dev/null
    "${buildah[@]}" images --quiet "$BASE" >/dev/null 2>&1 || "${buildah[@]}" pull --quiet --tls-verify=false "$BASE"
    ;;
  build)
    container=$("${buildah[@]}" from --quiet --tls-verify=false "$BASE")
    "${buildah[@]}" copy --quiet "$container" "$SCENARIO/rootfs" /
    "${buildah[@]}" copy --quiet "$container" "$SCENARIO/prebuildfs/opt" /opt
    root=$("${buildah[@]}" mount "$container")
    curl "${signed[@]}" "$OBJECT" |
      tar -xz -C "$root/opt/coredge" --strip-components=2 --no-same-owner --wildcards '*/files'
    if [[ -n $SCRIPT ]]; then
      mkdir -p "$root/tmp/debs"
      cp "$SCENARIO"/debs/*.deb "$root/tmp/debs/"
      "${buildah[@]}" run --network host "$container" -- /bin/sh -c "$(<"$SCENARIO/scripts/$SCRIPT")"
    else
      chown -R 65100:65100 "$root/opt/coredge"
    fi
    "${buildah[@]}" umount "$container"
    "${buildah[@]}" config --env APP_VERSION=1.6.21 --env COREDGE_APP_NAME=memcached --env "PATH=$IMAGE_PATH" \
      --port 11211/tcp --user 65100 --entrypoint "[\"$ENTRYPOINT\"]" --cmd "$COMMAND" "$container"
    squash=(--squash)
    [[ $LAYERS == squash ]] || squash=()
    # Straight to the registry: into its own store first takes twice as long.
    "${buildah[@]}" commit --quiet "${squash[@]}" --rm --tls-verify=false "$container" "docker://$OUT"
    ;;
esac
