# syntax=docker/dockerfile:1
#
# The C library of the final image must be at least as new as the builder's: both are Debian 13.

FROM rust:1.95-trixie AS build
WORKDIR /build

# Dependencies by themselves, in a layer that is built again only when they change. Cargo wants to
# see every target of Cargo.toml, hence the benches and the empty sources.
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY clock clock
COPY sandbox/Cargo.toml sandbox/Cargo.toml
RUN mkdir src sandbox/src \
    && touch src/lib.rs sandbox/src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked --no-default-features --bin novu-connect-bot

# Copied files keep their dates, which may be older than the build above; cargo goes by dates.
COPY assets assets
COPY locales locales
COPY templates templates
COPY src src
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked --no-default-features --bin novu-connect-bot

# The image below has no shell, so its directory for the store is made here.
RUN mkdir -p state/novu-connect-bot && chmod 700 state/novu-connect-bot

# No shell, no package manager, but CA certificates, without which no TLS client can be built.
FROM gcr.io/distroless/cc-debian13:nonroot
LABEL org.opencontainers.image.title="novu-connect-bot" \
      org.opencontainers.image.description="Lets people connect their chat account to Novu by typing /connect" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /build/target/release/novu-connect-bot /usr/local/bin/novu-connect-bot

# A new volume takes over content and owner of what it is mounted on. The variable is systemd's, and
# says where a file of SQLite is; `store.url` may still come from a file or name another store.
COPY --chown=65532:65532 --from=build /build/state/ /var/lib/
ENV STATE_DIRECTORY=/var/lib/novu-connect-bot
VOLUME /var/lib/novu-connect-bot

# From outside the container, loopback is out of reach. These win over what a file says. Publish the
# first one alone: the other one is for operators.
ENV CONNECT_SERVER__LISTEN=0.0.0.0:3000 CONNECT_SERVER__OPS_LISTEN=0.0.0.0:3001
EXPOSE 3000
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532

# Asks the address above, whatever else the service is configured with.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/novu-connect-bot", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/novu-connect-bot"]
CMD ["serve"]
