FROM php:8.3-apache
RUN docker-php-ext-install pdo_mysql; a2enmod rewrite
RUN { \
      echo 'opcache.memory_consumption=128'; \
      echo 'opcache.validate_timestamps=0'; \
    } > /usr/local/etc/php/conf.d/opcache.ini
RUN set -eux; \
    savedAptMark="$(apt-mark showmanual)"; \
    apt-get update; \
    apt-get install -y --no-install-recommends libzip-dev; \
    rm -rf /var/lib/apt/lists/*; \
    \
    apt-mark auto '.*' > /dev/null; \
    [ -z "$savedAptMark" ] || apt-mark manual $savedAptMark
COPY . /var/www/html
RUN chown -R www-data:www-data /var/www/html
WORKDIR html
HEALTHCHECK NONE
