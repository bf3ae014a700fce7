# Ecluse as a container image: docs/deploy.md. Nothing here names a registry: apt and npm ask those of
# their own configuration.
ARG BASE_IMAGE=debian:bookworm-slim

# ---- build: compiler, npm and headers stay here ----
FROM ${BASE_IMAGE} AS build
ENV DEBIAN_FRONTEND=noninteractive
WORKDIR /src
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates file dpkg-dev make >/dev/null
# What is installed changes seldomer than the sources: a layer of its own.
COPY scripts/ scripts/
COPY third_party/package.json third_party/package-lock.json third_party/
COPY dashboard/package.json dashboard/package-lock.json dashboard/
RUN scripts/install-dependencies
COPY . .
ARG SOURCE_DATE_EPOCH=0
RUN SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} make -s deb && mv build/deb/ecluse_*.deb /ecluse.deb

# ---- the image: the package and what it depends on ----
FROM ${BASE_IMAGE}
ARG USER_ID=1000
ARG GROUP_ID=1000
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="ecluse" \
      org.opencontainers.image.description="An e-commerce data pipeline: checked rows, open tables, nothing lost or counted twice" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
RUN --mount=type=bind,from=build,source=/ecluse.deb,target=/tmp/ecluse.deb \
    apt-get update -qq && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /tmp/ecluse.deb >/dev/null && \
    apt-get clean && \
    rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
COPY --chmod=0755 packaging/docker/entrypoint /usr/local/bin/ecluse-entrypoint
COPY config/ /project/config/
COPY transformations/ /project/transformations/
COPY --chmod=0755 orchestration/ /project/orchestration/
RUN install -d -o ${USER_ID} -g ${GROUP_ID} /project/data /project/logs
# A number, not a name: who runs it need not be in its /etc/passwd.
USER ${USER_ID}:${GROUP_ID}
WORKDIR /project
# No VOLUME: who forgets to mount data/ is to lose it at once, and not to find it in a nameless volume;
# and buildah at times mounts its own over the user's.
ENTRYPOINT ["/usr/local/bin/ecluse-entrypoint"]
CMD ["run"]
# 0: configuration, folders, disk and libraries are fit for a run.
HEALTHCHECK --interval=5m --timeout=60s --start-period=30s CMD ["ecluse", "-C", "/project", "doctor"]
