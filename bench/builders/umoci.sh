#!/bin/bash
# umoci.sh cold|warm|build: an image as one makes it with umoci, skopeo and tar by hand. See builders/peers.ts for the
# variables. cold leaves nothing of the base, warm its layout; build is what is timed.
set -o errexit -o nounset -o pipefail
base=$WORK/base-${BASE//[^a-z0-9]/-}
new=$WORK/new

pull_base() { skopeo copy --quiet --src-tls-verify=false "docker://$BASE" "oci:$base:v1"; }

# In the root, with mounts of its own.
run_script() {
  # shellcheck disable=SC2016
  unshare --mount --propagation private bash -o errexit -c '
    mount --bind /dev "$1/dev"
    mount -t proc proc "$1/proc"
    cp -L /etc/resolv.conf "$1/etc/resolv.conf"
    chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -c "$2" </dev/null
    rm -f "$1/etc/resolv.conf"' bash "$1" "$(<"$SCENARIO/scripts/$SCRIPT")"
}
signed=(-fsS --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"
  --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD')

case $1 in
  cold | warm)
    mkdir -p "$WORK"
    rm -rf "$new" "$WORK/bundle" "$WORK/layer.tar"
    [[ $1 == warm ]] || rm -rf "$base"
    [[ $1 == cold || -d $base ]] || pull_base
    ;;
  build)
    [[ -d $base ]] || pull_base
    umoci --log error unpack --image "$base:v1" "$WORK/bundle"
    root=$WORK/bundle/rootfs
    cp -R "$SCENARIO/rootfs/." "$root/"
    cp -R "$SCENARIO/prebuildfs/opt/." "$root/opt/"
    curl "${signed[@]}" "$OBJECT" |
      tar -xz -C "$root/opt/coredge" --strip-components=2 --no-same-owner --wildcards '*/files'
    if [[ -n $SCRIPT ]]; then
      mkdir -p "$root/tmp/debs"
      cp "$SCENARIO"/debs/*.deb "$root/tmp/debs/"
      run_script "$root"
    else
      chown -R 65100:65100 "$root/opt/coredge"
    fi
    umoci init --layout "$new"
    umoci new --image "$new:v1"
    tar -C "$root" --sort=name --numeric-owner -cf "$WORK/layer.tar" .
    umoci --log error raw add-layer --image "$new:v1" "$WORK/layer.tar"
    umoci config --image "$new:v1" --architecture "$ARCHITECTURE" --os linux --config.env APP_VERSION=1.6.21 \
      --config.env COREDGE_APP_NAME=memcached --config.env "PATH=$IMAGE_PATH" --config.exposedports 11211/tcp \
      --config.user 65100 --config.entrypoint "$ENTRYPOINT" --config.cmd "$COMMAND"
    skopeo copy --quiet --dest-tls-verify=false "oci:$new:v1" "docker://$OUT"
    ;;
esac
