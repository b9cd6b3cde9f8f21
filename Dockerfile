# The image's own Node is the right one, so the Node packages that the lockfile offers to machines with an older one
# (its optional dependencies) are left out.

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional
COPY tsconfig.json tsconfig.build.json nest-cli.json ./
COPY src ./src
RUN npm run build

FROM node:26-slim AS production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional

FROM node:26-slim
WORKDIR /app
ENV NODE_ENV=production
COPY LICENSE package.json ./
COPY --from=production /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A number, so that Kubernetes can see that it is not root (runAsNonRoot). The process writes no file.
USER 1000:1000
# 8080 is public; 9090 has /livez and /readyz, which is why there is no HEALTHCHECK here: the orchestrator probes them.
EXPOSE 8080 9090
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["serve"]
